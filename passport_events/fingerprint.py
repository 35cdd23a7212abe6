"""Fingerprints: what fails for the same reason has the same one, so that a person looks at it once.

Pure. What tells two messages apart (ids, numbers, quoted text) is taken out before anything is hashed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

VERSION = 3
"""Of the rules below, and part of every fingerprint: another rule makes other groups, and the old ones
stay as they were. Raise it with every change that would move a message into another group."""

LENGTH = 32
"""Hexadecimal digits that are kept: the width of the column."""
MAX_TEXT_LENGTH = 200
GAP = "#"
"""What stands in a gist where something was taken out."""

MAX_READ_LENGTH = 10_000
"""Characters of a text that are looked at. Every pattern below reads each of them a fixed number of times."""

_VALUE = re.compile(r"\[value\]")  # what `error_report.masking` writes for a value
_RUN = re.compile(r"[^\s<>()\"'`]++")
# An apostrophe inside a word opens nothing; what is never closed ends with the text.
_QUOTED = re.compile(
    "|".join(rf"(?<!\w){quote}(?:.*?{quote}(?!\w)|.*\Z)" for quote in ("'", '"', "`")), re.DOTALL
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD = re.compile(r"[-+]?\w++")
_DIGIT = re.compile(r"\d")
_GAPS = re.compile(r"#(?:[\s,.;:/+-]*+#)++")


def compute_error_fingerprint(
    event_type: str, error_class: str, own_frames: Sequence[str], gist: str, inner: Sequence[str] = ()
) -> str:
    """Of a handler's error.

    `own_frames` are the innermost ones of the project's own code, `module:function`; line numbers would
    make a new group with every release. `inner` is what tells the errors of an exception group apart.
    """
    return _hash_parts("error", event_type, error_class, list(own_frames), gist, list(inner))


def compute_crash_fingerprint(event_type: str) -> str:
    """Of messages that took their worker with them: there is no error to look at."""
    return _hash_parts("crash", event_type)


def compute_quarantine_fingerprint(wire_format: str, reason: str) -> str:
    """Of deliveries that could not be read; `reason` is the stable word without its detail."""
    return _hash_parts("quarantine", wire_format, reason)


def normalize_text(text: str) -> str:
    """What an error's text says when everything that differs from message to message is taken out."""
    text = _VALUE.sub(GAP, text[:MAX_READ_LENGTH])
    text = _RUN.sub(_mask_email, text)
    text = _UUID.sub(GAP, _QUOTED.sub(GAP, text))
    # Also every word with a digit in it: Salesforce's ids, hashes, addresses of objects.
    text = _WORD.sub(lambda word: GAP if _DIGIT.search(word[0]) else word[0], text)
    # A list of three ids says the same as one of two.
    return " ".join(_GAPS.sub(GAP, text).split())[:MAX_TEXT_LENGTH]


def _mask_email(run: re.Match[str]) -> str:
    before, found, after = run[0].partition("@")
    return GAP if found and before and after else run[0]


def _hash_parts(*parts: str | list[str]) -> str:
    # As JSON, because no separator is safe from being part of a part.
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()[:LENGTH]
