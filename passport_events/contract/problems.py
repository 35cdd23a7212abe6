"""What is wrong with a message, as a list to work off: places and rules, never a value."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from pydantic import ValidationError

from passport_events.contract.field_types import BROKEN
from passport_events.contract.types import TYPES
from passport_events.wire import eventbridge
from passport_events.wire.json_fields import safe_name

CHANGE_EVENT = "change_event"
WHOLE = "(the message)"
"""The path of what is wrong with a message that is not even an object."""

_MAJOR = re.compile("v[0-9]+")
_UNKNOWN = "is not as its type says"
_OWN_NAMES = {"detail-type"}
_RULES = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_unicode": "must be text without lone surrogates",
    "string_too_short": "must not be empty",
    "string_too_long": "must not have more than {max_length} characters",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must not be less than {ge}",
    "less_than_equal": "must not be more than {le}",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "too_short": "must not be empty",
    "model_type": "must be an object",
    "literal_error": "must be {expected}",
    BROKEN: "{rule}",
}
"""pydantic's type of error -> our words. What stands in braces comes from our types, never from a message."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One violation: `path` and `rule` are one sentence. Both are free of values."""

    path: str
    rule: str

    def __str__(self) -> str:
        return f"{self.path} {self.rule}"


def kinds() -> tuple[str, ...]:
    """Every kind of message that the contract knows."""
    return tuple(TYPES)


def find_kind(body: object) -> str | None:
    """The kind that a message is meant to be, right or wrong; None where it is no message of the contract."""
    if not isinstance(body, dict):
        return None
    if eventbridge.matches_relay(body):
        return CHANGE_EVENT
    text = body.get("type")
    if "specversion" not in body or not isinstance(text, str):
        return None
    return next((word for word in _extract_words(text) if word in TYPES and word != CHANGE_EVENT), None)


def find_violations(body: object, kind: str) -> tuple[Violation, ...]:
    """Every violation of the type of this kind, in the order of its members; none for a right message.

    `body` is what `wire/strict_json` read: the limits of size and depth are its business. Raises
    KeyError for a kind that is not among `kinds()`.
    """
    try:
        TYPES[kind].model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    else:
        return ()
    return tuple(
        Violation(_format_path(one["loc"]), _describe_rule(one["type"], one.get("ctx", {}))) for one in found
    )


def _extract_words(text: str) -> list[str]:
    """Where the event type stands in a CloudEvents `type`; in one of another form it may be anywhere."""
    *words, last = text.split(".")
    if not _MAJOR.fullmatch(last):
        return [last, *reversed(words)]
    return words[-1:] if words[-1:] == ["heartbeat"] else words[-2:-1]


def _describe_rule(kind: str, context: dict[str, Any]) -> str:
    return _RULES.get(kind, _UNKNOWN).format(**context)


def _format_path(place: tuple[str | int, ...]) -> str:
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{step if step in _OWN_NAMES else safe_name(step)}"
    return path.removeprefix(".") or WHOLE
