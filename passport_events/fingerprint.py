"""Fingerprints: what fails for the same reason has the same one, so that a person looks at it once.

Pure. What tells two messages apart (ids, numbers, quoted text) is taken out before anything is hashed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

VERSION = 1
"""Of the rules below, and part of every fingerprint: another rule makes other groups, and the old ones
stay as they were. Raise it with every change that would move a message into another group."""

LENGTH = 32
"""Hexadecimal digits that are kept: the width of the column."""
LONGEST_GIST = 200
GAP = "#"
"""What stands in a gist where something was taken out."""

_VALUE = r"\[value\]"  # what `handling.errors` leaves of a value
_EMAIL = r"[^\s@<>()\"'`]+@[^\s@<>()\"'`]+"
# An apostrophe inside a word opens nothing; what is never closed ends with the text.
_QUOTED = "|".join(rf"(?<!\w){quote}(?:.*?{quote}(?!\w)|.*\Z)" for quote in ("'", '"', "`"))
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# Also every word with a digit in it: Salesforce's ids, hashes, addresses of objects.
_NUMBER = r"[-+]?\w*\d\w*"
_TAKEN_OUT = [re.compile(part, re.DOTALL) for part in (_VALUE, _EMAIL, _QUOTED, _UUID, _NUMBER)]
_GAPS = re.compile(r"#(?:[\s,.;:/+-]*#)+")


def of_error(event_type: str, error_class: str, own_frames: Sequence[str], gist: str) -> str:
    """Of a handler's error.

    `own_frames` are the innermost ones of the project's own code, `module:function`; line numbers would
    make a new group with every release.
    """
    return _digest("error", event_type, error_class, *own_frames, gist)


def of_crash(event_type: str) -> str:
    """Of messages that took their worker with them: there is no error to look at."""
    return _digest("crash", event_type)


def of_quarantine(wire_format: str, reason: str) -> str:
    """Of deliveries that could not be read; `reason` is the stable word without its detail."""
    return _digest("quarantine", wire_format, reason)


def gist_of(text: str) -> str:
    """What an error's text says when everything that differs from message to message is taken out."""
    for pattern in _TAKEN_OUT:
        text = pattern.sub(GAP, text)
    # A list of three ids says the same as one of two.
    return " ".join(_GAPS.sub(GAP, text).split())[:LONGEST_GIST]


def _digest(*parts: str) -> str:
    # As JSON, because no separator is safe from being part of a part.
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()[:LENGTH]
