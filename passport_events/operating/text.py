"""Text that somebody else wrote, made safe for the eyes; escaping for HTML is the template's part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from passport_events import exact_json
from passport_events.text_escaping import escape_controls

MAX_CHARACTERS = 20_000
_ORDINARY = "\n\t"


def escape_invisible(value: object, longest: int = MAX_CHARACTERS) -> str:
    """The text with every control and format character spelled out.

    An escape sequence repaints a terminal, and a right-to-left override turns a file name around.
    """
    text = str(value)
    shown = escape_controls(text[:longest], keep=_ORDINARY)
    left = len(text) - longest
    return shown if left <= 0 else f"{shown}… ({left} more characters)"


def format_value(value: Any, longest: int = MAX_CHARACTERS) -> str:
    """A value of an event as a person reads it: strings plain, the rest as JSON."""
    text = value if isinstance(value, str) else exact_json.dumps(value, ensure_ascii=False, default=str)
    return escape_invisible(text, longest)


def format_line(value: object, longest: int = 200) -> str:
    """For a column of a table or a line of output."""
    return " ".join(escape_invisible(value, longest).split())


def format_duration(span: timedelta) -> str:
    """A duration as people say it."""
    total = max(0, round(span.total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if total >= 2 * size:
            return f"{total // size} {unit}"
    return f"{total} s"
