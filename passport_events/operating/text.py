"""Text from outside, made safe to display. Templates escape HTML."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from passport_events import exact_json
from passport_events.text_escaping import escape_controls

MAX_CHARACTERS = 20_000
_ORDINARY = "\n\t"


def escape_invisible(value: object, longest: int = MAX_CHARACTERS) -> str:
    """The text with control and format characters escaped.

    An escape sequence repaints a terminal, and a right-to-left override turns a file name around.
    """
    text = str(value)
    shown = escape_controls(text[:longest], keep=_ORDINARY)
    left = len(text) - longest
    return shown if left <= 0 else f"{shown}… ({left} more characters)"


def format_value(value: Any, longest: int = MAX_CHARACTERS) -> str:
    """A field value for people: strings plain, other values as JSON."""
    text = value if isinstance(value, str) else exact_json.dumps(value, ensure_ascii=False, default=str)
    return escape_invisible(text, longest)


def format_line(value: object, longest: int = 200) -> str:
    """One line, for a table or a terminal."""
    return " ".join(escape_invisible(value, longest).split())


def format_duration(span: timedelta) -> str:
    """A duration in its largest unit, like `3 h`."""
    total = max(0, round(span.total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if total >= 2 * size:
            return f"{total // size} {unit}"
    return f"{total} s"
