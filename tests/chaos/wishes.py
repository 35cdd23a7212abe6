"""What a payload may ask of its handler, so that the publisher decides what fails, and the checker knows.

A wish is the value of one Salesforce field. It looks at the number of the attempt, or at whether the
message was put off, and at nothing else, so that it is the same wherever and how often it is handled.
"""

from __future__ import annotations

import enum

FIELD = "Description"


class Wish(enum.StrEnum):
    """The first word of the field; a number may follow."""

    FAIL = "fail"
    """Raise at the first `number` attempts."""
    FAIL_ALWAYS = "fail-always"
    REJECT = "reject"
    DISCARD = "discard"
    LATER = "later"
    """Ask once to be called again later."""
    SWALLOW = "swallow"
    """Catch a database error at the first attempt, which undoes the handler's writes silently."""
    SLEEP = "sleep"
    """Take `number` milliseconds."""
    PREPARE_FAIL = "prepare-fail"
    """Raise in `prepare` at the first `number` attempts."""
    PREPARE_SLEEP = "prepare-sleep"
    DIE = "die"
    """SIGKILL the process that handles it, at the first `number` attempts."""
    DIE_ALWAYS = "die-always"

    def value_of(self, number: int = 0) -> str:
        """The text for the payload."""
        return f"{self} {number}"


def wished(value: object) -> tuple[Wish | None, int]:
    """The wish in a field's value, and its number."""
    word, _, number = str(value).partition(" ")
    try:
        return Wish(word), int(number)
    except ValueError:
        return None, 0
