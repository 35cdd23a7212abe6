"""Suggestion for a mistyped field name."""

from __future__ import annotations

from collections.abc import Collection

MIN_LENGTH = 5
"""Shorter names are one letter apart too easily."""
MAX_COMPARED = 1_000
"""An object of Salesforce has fewer fields. Beyond them nothing is compared, so that no look costs much."""


def find_near_name(name: str, known: Collection[str]) -> str | None:
    """The one of `known` names that differs by case, underscores, `__c` or one letter, or None.

    Salesforce takes no two fields of an object that differ by case alone. Digits are no mistake:
    `Phone1__c` and `Phone2__c` are two fields.
    """
    if len(known) > MAX_COMPARED:
        return None
    plain = _plain(name)
    near = None
    for other in known:
        if abs(len(other) - len(name)) <= 4 and name != other:
            candidate = _plain(other)
            if candidate == plain:
                return other
            if near is None and _is_one_letter_off(plain, candidate):
                near = other
    return near


def _plain(name: str) -> str:
    return name.casefold().removesuffix("__c").replace("_", "")


def _is_one_letter_off(one: str, other: str) -> bool:
    if len(one) > len(other):
        one, other = other, one
    if len(one) < MIN_LENGTH or len(other) - len(one) > 1:
        return False
    at = next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one)
    )
    if len(one) < len(other):
        is_near, differing = one[at:] == other[at + 1 :], other[at]
    elif one[at + 1 :] == other[at + 1 :]:
        is_near, differing = True, one[at : at + 1] + other[at : at + 1]
    else:
        swapped = one[at + 1 : at + 2] + one[at : at + 1] + one[at + 2 :]
        is_near, differing = swapped == other[at:], one[at : at + 2]
    return is_near and differing.isalpha()
