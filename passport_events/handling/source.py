"""What the source files of loaded modules say: the only texts and names that an error report repeats.

Code that runs may have been made from a value (`exec`, `type(value, ...)`), so nothing is taken from
running code. Its module and qualified name only say where to look in the file.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

MAX_TEXT = 2_000
"""Characters of one constant that are read."""

_PLACEHOLDER = re.compile(r"%[(sdr]|\{\w*\}")


@dataclasses.dataclass(frozen=True, slots=True)
class SourceCode:
    """A function or class in its source file, with everything that is defined inside it."""

    filename: str
    texts: frozenset[str]
    """Its string constants."""
    names: frozenset[str]
    """Its identifiers."""


def find_source(module_name: str, qualname: str) -> SourceCode | None:
    """The function or class of this name; None where no file defines it."""
    module = sys.modules.get(module_name)
    return None if module is None else _find(module_name, qualname, str(getattr(module, "__file__", None)))


def templates_of(module_name: str, source: SourceCode | None) -> Iterator[str]:
    """Constants of a module with placeholders, as far as this code of it names them."""
    module = find_source(module_name, "<module>")
    if source is None or module is None:
        return
    for name in source.names:
        value = vars(sys.modules[module_name]).get(name)
        if type(value) is str and _PLACEHOLDER.search(value) and value in module.texts:
            yield value


@functools.lru_cache(maxsize=1024)
def _find(module_name: str, qualname: str, filename: str) -> SourceCode | None:
    codes = _codes_of(module_name, filename).get(qualname)
    if not codes:
        return None
    texts: set[str] = set()
    names = set(module_name.split(".") + qualname.split("."))
    for code in codes:
        for each in _nested(code):
            names.update(each.co_names, each.co_varnames, each.co_freevars, each.co_cellvars)
            texts.update(_texts(each.co_consts))
    return SourceCode(codes[0].co_filename, frozenset(texts), frozenset(names))


@functools.lru_cache(maxsize=8)
def _codes_of(module_name: str, filename: str) -> dict[str, list[CodeType]]:
    code = _read(sys.modules[module_name])
    found: dict[str, list[CodeType]] = {}
    for each in _nested(code) if code is not None else ():
        found.setdefault(each.co_qualname, []).append(each)
    return found


def _read(module: ModuleType) -> CodeType | None:
    spec: Any = getattr(module, "__spec__", None)
    loader: Any = getattr(spec, "loader", None)
    try:
        if hasattr(loader, "get_code"):
            code = loader.get_code(spec.name)
            return code if isinstance(code, CodeType) else None
        # As pytest's loader, which compiles its own version of a file.
        filename = str(module.__file__)
        with open(filename, "rb") as file:  # noqa: PTH123  a loader's path, as it is
            return compile(file.read(), filename, "exec", dont_inherit=True)
    except (OSError, EOFError, ImportError, SyntaxError, ValueError, TypeError, AttributeError, Warning):
        return None


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _texts(constants: Any) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, str):
            yield constant[:MAX_TEXT]
        elif isinstance(constant, tuple | frozenset):
            yield from _texts(constant)
