"""Constants and names in the source files of loaded modules: the only ones that an error report repeats.

Code that runs may have been made from a value (`exec`, `type(value, ...)`), so nothing is taken from
running code. Its module and qualified name are only used to find the code in the file.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, ModuleType
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext

MAX_CONSTANT_CHARACTERS = 2_000
"""Part of a constant that is read."""

_PLACEHOLDER = re.compile(r"%[(sdr]|\{\w*\}")
_VALIDATION_MODULES = (
    "django.core.validators",
    "django.db.models.base",
    "django.db.models.fields",
    "django.db.models.fields.files",
    "django.db.models.fields.json",
    "django.db.models.fields.related",
    "django.db.models.constraints",
    "django.forms.fields",
    "django.forms.models",
)


@dataclasses.dataclass(frozen=True, slots=True)
class SourceCode:
    """A function or class in its source file, with everything that is defined inside it."""

    filename: str
    texts: frozenset[str]
    """String constants."""
    names: frozenset[str]
    """Identifiers."""


def find_source(module_name: str, qualname: str) -> SourceCode | None:
    """Return the function or class of this name; None if no file defines it."""
    module = sys.modules.get(module_name)
    return None if module is None else _find(module_name, qualname, str(getattr(module, "__file__", None)))


def find_templates(module_name: str, source: SourceCode | None) -> Iterator[str]:
    """Yield constants of a module that have placeholders and are named in `source`."""
    module = find_source(module_name, "<module>")
    if source is None or module is None:
        return
    for name in source.names:
        value = vars(sys.modules[module_name]).get(name)
        if type(value) is str and _PLACEHOLDER.search(value) and value in module.texts:
            yield value


def get_validation_texts(errors: Iterable[BaseException]) -> frozenset[str]:
    """Return Django's validation texts if one of the errors is a ValidationError.

    They are in classes that are in no traceback, and are translated.
    """
    if any(isinstance(error, ValidationError) for error in errors):
        return _collect_validation_texts(get_language() or "")
    return frozenset()


@functools.lru_cache(maxsize=8)
def _collect_validation_texts(language: str) -> frozenset[str]:
    found: set[str] = set()
    for name in _VALIDATION_MODULES:
        importlib.import_module(name)
        source = find_source(name, "<module>")
        if source is not None:
            found |= {text for text in source.texts if " " in text and "\n" not in text}
    return frozenset(found | set(map(gettext, found))) if language else frozenset(found)


@functools.lru_cache(maxsize=1024)
def _find(module_name: str, qualname: str, filename: str) -> SourceCode | None:
    codes = _collect_code(module_name, filename).get(qualname)
    if not codes:
        return None
    texts: set[str] = set()
    names = set(module_name.split(".") + qualname.split("."))
    for code in codes:
        for each in _iterate_nested(code):
            names.update(each.co_names, each.co_varnames, each.co_freevars, each.co_cellvars)
            texts.update(_iterate_texts(each.co_consts))
    return SourceCode(codes[0].co_filename, frozenset(texts), frozenset(names))


@functools.lru_cache(maxsize=8)
def _collect_code(module_name: str, filename: str) -> dict[str, list[CodeType]]:
    code = _read_code(sys.modules[module_name])
    found: dict[str, list[CodeType]] = {}
    for each in _iterate_nested(code) if code is not None else ():
        found.setdefault(each.co_qualname, []).append(each)
    return found


def _read_code(module: ModuleType) -> CodeType | None:
    spec: Any = getattr(module, "__spec__", None)
    loader: Any = getattr(spec, "loader", None)
    try:
        if hasattr(loader, "get_code"):
            code = loader.get_code(spec.name)
            return code if isinstance(code, CodeType) else None
        # For example pytest's loader, which compiles its own version of a file.
        filename = str(module.__file__)
        with open(filename, "rb") as file:  # noqa: PTH123  a loader's path, unchanged
            return compile(file.read(), filename, "exec", dont_inherit=True)
    except (OSError, EOFError, ImportError, SyntaxError, ValueError, TypeError, AttributeError, Warning):
        return None


def _iterate_nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _iterate_nested(constant)


def _iterate_texts(constants: Any) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, str):
            yield constant[:MAX_CONSTANT_CHARACTERS]
        elif isinstance(constant, tuple | frozenset):
            yield from _iterate_texts(constant)
