"""JSON that keeps every digit of its numbers: whole ones are `int`, all others `Decimal`, never `float`.

The C scanner and the C encoder of `json` do the work. The encoder cannot write a Decimal, so it gets a
marked string in its place, and one substitution removes the marks. No other string has such a mark: it
begins with NUL, which `wire/strict_json` refuses because PostgreSQL cannot store it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

_MARK = "\0number:"
_MARKED = re.compile(r'"\\u0000number:(-?[0-9]+(?:\.[0-9]+)?(?:E[+-]?[0-9]+)?)"')
_DECODER = json.JSONDecoder(parse_float=Decimal)


class ExactEncoder(json.JSONEncoder):
    """For `json.dumps(cls=...)` and JSONField. NaN and infinities as Decimal raise ValueError."""

    _found = False

    def encode(self, o: Any) -> str:
        """The text, with every Decimal as a number."""
        text = super().encode(o)
        return _MARKED.sub(r"\1", text) if self._found else text

    def default(self, o: Any) -> Any:
        """A marked string for a Decimal. Raises TypeError for what is no JSON."""
        if not isinstance(o, Decimal):
            return super().default(o)
        if not o.is_finite():
            raise ValueError("JSON has no NaN and no infinity.")
        self._found = True
        return f"{_MARK}{o}"


class ExactDecoder(json.JSONDecoder):
    """For `json.loads(cls=...)` and JSONField."""

    def __init__(self, **_: Any) -> None:
        """One scanner serves all values, so there is nothing to set up."""

    def decode(self, s: str, *_: Any) -> Any:
        """The value."""
        return _DECODER.decode(s)


def loads(text: str) -> Any:
    """The value of a JSON text. Raises json.JSONDecodeError."""
    return _DECODER.decode(text)


def dumps(value: Any, *, default: Callable[[Any], Any] | None = None, **options: Any) -> str:
    """The JSON text of a value; options are those of `json.dumps`, `default` for what is no JSON.

    Raises TypeError for what is no JSON, and ValueError for a Decimal that is no number.
    """
    if default is None:
        return json.dumps(value, cls=ExactEncoder, **options)
    return json.dumps(value, cls=_WithDefault, other=default, **options)


def is_equal(one: Any, other: Any) -> bool:
    """Equal as JSON values: numbers by value (1.10 and 1.1, 1 and 1.0), and true is not 1 as in Python."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_equal, one, other))
    return bool(one == other)


class _WithDefault(ExactEncoder):
    def __init__(self, *, other: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**options)
        self._other = other

    def default(self, o: Any) -> Any:
        return super().default(o) if isinstance(o, Decimal) else self._other(o)
