"""Salesforce's ids in one spelling, because two spellings of one id would be two records.

15 characters, base 62, where case matters; or 18, whose last three say which of the others are
upper case, for systems that lose case. The suffix guards case only: another digit passes.
"""

from __future__ import annotations

import re
import string

from passport_events.exceptions import Unreadable

_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_CHUNKS = ((0, 5), (5, 10), (10, 15))
_SUFFIXES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# Five characters are five bits, the first one lowest: set where the letter is upper case.
_BITS = str.maketrans(string.ascii_uppercase + string.ascii_lowercase + string.digits, "1" * 26 + "0" * 36)
_SUFFIX_OF_BITS = {f"{bits:05b}"[::-1]: letter for bits, letter in enumerate(_SUFFIXES)}


def normalize_id(value: object, where: str = "the id") -> str:
    """The 18 characters of an id, from 15, from 18, or from 18 that were lower- or upper-cased.

    `where` is the path that an error names. Raises Unreadable with reason `bad_id`.
    """
    if not isinstance(value, str) or not _SHAPE.fullmatch(value):
        raise Unreadable("bad_id", f"{where} must be 15 or 18 letters and digits")
    if len(value) == 15:
        return value + _compute_suffix(value)
    if value[15:] == _compute_suffix(value):
        return value
    if value in (value.lower(), value.upper()):
        return _restore_case(value, where)
    raise _describe_wrong_suffix(where)


def _compute_suffix(value: str) -> str:
    bits = value.translate(_BITS)
    return _SUFFIX_OF_BITS[bits[:5]] + _SUFFIX_OF_BITS[bits[5:10]] + _SUFFIX_OF_BITS[bits[10:15]]


def _restore_case(value: str, where: str) -> str:
    """Give each character the case that the suffix remembers."""
    suffix = value[15:].upper()
    found = ""
    for (start, end), letter in zip(_CHUNKS, suffix, strict=True):
        bits = _SUFFIXES.find(letter)
        for bit, character in enumerate(value[start:end]):
            found += character.upper() if bits >> bit & 1 else character.lower()
    # A suffix beyond A-Z0-5, or one that calls a digit upper case, is caught here.
    if _compute_suffix(found) != suffix:
        raise _describe_wrong_suffix(where)
    return found + suffix


def _describe_wrong_suffix(where: str) -> Unreadable:
    return Unreadable("bad_id", f"the last three characters of {where} do not fit the others")
