"""Frames and class of an error, by names that are in source files, and no others."""

from __future__ import annotations

import dataclasses
import sys
import sysconfig
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from passport_events.handling.error_report.masking import MASK
from passport_events.handling.error_report.source_constants import SourceCode, find_source

MAX_FRAMES = 40
MAX_OWN_FRAMES = 3
MAX_CLASS_NAME_CHARACTERS = 200

_OURS = __name__.partition(".")[0]
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
_BOTOCORE_ERRORS = "botocore.errorfactory"
_DJANGO_MODEL_ERRORS = frozenset({"DoesNotExist", "MultipleObjectsReturned", "NotUpdated"})


@dataclasses.dataclass(frozen=True, slots=True)
class SafeFrame:
    """One frame of a traceback."""

    line: int
    module: str
    qualname: str
    source: SourceCode | None
    """None if no source file has this code; then neither file nor function is shown."""

    def __str__(self) -> str:
        filename, name = (
            (self.source.filename, self.qualname.rpartition(".")[2]) if self.source else (MASK, MASK)
        )
        return f'  File "{filename}", line {self.line}, in {name}\n'

    @property
    def is_own(self) -> bool:
        """Whether it is the project's code: not a library's and not this package's."""
        return self.source is not None and _is_own(self.module, self.source.filename)


def read_frames(error: BaseException) -> list[SafeFrame]:
    """Return the innermost MAX_FRAMES frames of an error, the innermost last."""
    return [
        _make_frame(frame, line) for frame, line in deque(_iterate_frames(error.__traceback__), MAX_FRAMES)
    ]


def read_own_frames(error: BaseException) -> list[str]:
    """Return `module:function` of the project's own code, the innermost first; no lines."""
    own: list[str] = []
    for frame, line in _iterate_frames(error.__traceback__):
        place = _make_frame(frame, line)
        name = f"{place.module}:{place.qualname}"
        # Recursion counts once, so that its depth does not change the fingerprint.
        if place.is_own and own[-1:] != [name]:
            own.append(name)
    return own[: -MAX_OWN_FRAMES - 1 : -1]


def get_class_name(error: BaseException) -> str:
    """Return the full name of an error's class, or of the nearest base class that a source file defines."""
    return next(name for kind in type(error).__mro__ if (name := _find_known_name(kind)))


def get_short_class_name(error: BaseException) -> str:
    """Return the class name without its module, for log lines."""
    return get_class_name(error).rpartition(".")[2]


def _find_known_name(kind: type) -> str:
    module_name, qualname = str(kind.__module__), kind.__qualname__
    is_known = find_source(module_name, qualname) is not None or _is_library_class(kind)
    return f"{module_name}.{qualname}"[:MAX_CLASS_NAME_CHARACTERS] if is_known else ""


def _is_library_class(kind: type) -> bool:
    """Return whether C code, Django or botocore made a class that no source file defines."""
    module = sys.modules.get(str(kind.__module__))
    if module is None:
        return kind.__module__ == _BOTOCORE_ERRORS
    outer, _, name = kind.__qualname__.rpartition(".")
    found: object = module
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is not kind:
        return kind.__module__ == _BOTOCORE_ERRORS
    filename = getattr(module, "__file__", None)
    if filename is None or not _is_own(module.__name__, filename):
        return True
    return name in _DJANGO_MODEL_ERRORS and find_source(module.__name__, outer) is not None


def _iterate_frames(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _make_frame(frame: FrameType, line: int) -> SafeFrame:
    code, module = frame.f_code, frame.f_globals.get("__name__")
    source = find_source(module, code.co_qualname) if isinstance(module, str) else None
    if source is None or source.filename != code.co_filename:
        return SafeFrame(line or 0, "", "", None)
    return SafeFrame(line or 0, str(module), code.co_qualname, source)


def _is_own(module: str, filename: str) -> bool:
    path = Path(filename)
    if module.partition(".")[0] == _OURS or filename.startswith("<"):
        return False
    return not _INSTALLED.intersection(path.parts) and not path.is_relative_to(_STANDARD_LIBRARY)
