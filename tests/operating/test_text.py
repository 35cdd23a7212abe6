"""What others wrote, for the eyes."""

from __future__ import annotations

import pytest

from passport_events.operating.text import escape_invisible, format_line, format_value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada\nLovelace\t✓ é 学", "Ada\nLovelace\t✓ é 学"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202efdp.exe", "a\\u202efdp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("two\u2028lines", "two\\u2028lines"),
        ("\x00", "\\x00"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    assert escape_invisible(text) == shown


def test_long_text_says_how_much_is_left() -> None:
    assert escape_invisible("abcdef", 4) == "abcd… (2 more characters)"


def test_lines_are_joined() -> None:
    assert format_line("a\r\n b") == "a\\r b"


@pytest.mark.parametrize(("value", "shown"), [("Ada", "Ada"), (None, "null"), (1.5, "1.5"), (["é"], '["é"]')])
def test_values_are_shown_as_json(value: object, shown: str) -> None:
    assert format_value(value) == shown
