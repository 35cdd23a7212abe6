"""What is kept of an exception: enough to mend the code, nothing of a student."""

from __future__ import annotations

import dataclasses
import json
import re
import sysconfig
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from passport_events import fingerprint

MASK = "[value]"
LONGEST_TEXT = 1_000
LONGEST_READ = 20_000
SHORTEST_MASKED = 3  # shorter values would mask parts of ordinary words
MOST_FRAMES = 40
MOST_OWN_FRAMES = 3

_OURS = __name__.partition(".")[0]
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorReport:
    """An exception, safe to store and to show."""

    error_class: str
    text: str
    frames: str
    own_frames: tuple[str, ...]
    """`module:function` of the project's own code, the innermost first; no lines."""
    gist: str
    """The text without what differs from message to message, for the fingerprint."""

    def fingerprint(self, event_type: str) -> str:
        """Of the group that this error belongs to."""
        return fingerprint.of_error(event_type, self.error_class, self.own_frames, self.gist)


def describe(error: BaseException, values: Iterable[Any]) -> ErrorReport:
    """Report `error`, with every occurrence of one of `values` masked.

    PostgreSQL repeats column values behind DETAIL, so that part is cut off; after masking, because a
    value may hold that word too.
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  a __str__ can raise anything
        text = "(the error's text cannot be made)"
    text = _masked(_storable(text[:LONGEST_READ]), values).split("DETAIL:", 1)[0].strip()
    return ErrorReport(
        error_class=f"{type(error).__module__}.{type(error).__qualname__}"[:200],
        text=text[:LONGEST_TEXT],
        frames=_storable("".join(_frames(error))),
        own_frames=tuple(_own_frames(error)),
        gist=fingerprint.gist_of(text),
    )


def _storable(text: str) -> str:
    """Without NUL and lone surrogates, which PostgreSQL refuses to store."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _masked(text: str, values: Iterable[Any]) -> str:
    """In one pass, the longest first, so that no mask is masked again."""
    found = sorted((needle for needle in _needles(values) if needle in text), key=len, reverse=True)
    return re.sub("|".join(map(re.escape, found)), MASK, text) if found else text


def _frames(error: BaseException) -> Iterator[str]:
    """Files, lines and functions, the innermost last; causes come first, as in a traceback."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and cause is not error:
        yield f"{type(cause).__module__}.{type(cause).__qualname__}\n"
        yield from _lines(cause)
        yield "which led to\n"
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
    yield from _lines(error)


def _lines(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]:
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n'


def _own_frames(error: BaseException) -> list[str]:
    """Where the project's own code was when it raised: not in a library, and not in this package."""
    own: list[str] = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module, code = frame.f_globals.get("__name__", ""), frame.f_code
        place = _storable(f"{module}:{code.co_qualname}")
        # A function that calls itself is one place, however deep it went.
        if _is_own(module, code.co_filename) and own[-1:] != [place]:
            own.append(place)
    return own[: -MOST_OWN_FRAMES - 1 : -1]


def _is_own(module: str, filename: str) -> bool:
    path = Path(filename)
    if module.partition(".")[0] == _OURS or filename.startswith("<"):
        return False
    return not _INSTALLED.intersection(path.parts) and not path.is_relative_to(_STANDARD_LIBRARY)


def _needles(values: Iterable[Any]) -> set[str]:
    found: set[str] = set()
    for value in values:
        if isinstance(value, Mapping):
            found |= _needles(value.values())
        elif isinstance(value, list | tuple):
            found |= _needles(value)
        elif value is not None and not isinstance(value, bool):
            text = str(value)
            # Messages quote values as Python, JSON or SQL do, so the escaped forms count as well.
            quoted = {repr(text)[1:-1], json.dumps(text)[1:-1], text.replace("'", "''")}
            found |= {form for form in map(_storable, {text, *quoted}) if len(form) >= SHORTEST_MASKED}
    return found
