"""Escape text of unknown origin for terminals, logs and pages."""

from __future__ import annotations

import unicodedata

_UNSAFE_CATEGORIES = ("C", "Zl", "Zp")
"""Unicode's controls, formats (bidirectional overrides), surrogates, and separators of lines."""


def escape_controls(text: str, keep: str = "") -> str:
    r"""Spell out control, format and line separator characters, as `\n`, `\x1b` or `\u202e`.

    Characters in `keep` stay. A line feed forges a log line, an escape sequence repaints a terminal,
    and a right-to-left override turns a file name around.
    """
    if text.isprintable():  # the usual case, decided in C
        return text
    return "".join(c if c in keep or not _is_unsafe(c) else _escape_character(c) for c in text)


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character).startswith(_UNSAFE_CATEGORIES)


def _escape_character(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
