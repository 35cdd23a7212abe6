"""Types of the members of a message, and text shapes: a pattern for schemas and a rule for people.

Patterns use only what regular expressions of every language share. `TextShape.holds` checks what a pattern
cannot: the suffix of an id, the 30th of February.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from passport_events.event import CHANGE_WORDS
from passport_events.exceptions import Unreadable
from passport_events.salesforce_ids import normalize_id
from passport_events.wire.flatten import MAX_NAME_LENGTH, MAX_PARTS

BROKEN = "broken_rule"
"""The type of pydantic's error where its message is a rule of ours."""


def build_rule_error(rule: str) -> PydanticCustomError:
    """The error to raise in a validator. `rule` begins with "must" and holds no value."""
    return PydanticCustomError(BROKEN, "{rule}", {"rule": rule})


def make_predicate(check: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether a value gets through a function that raises for a wrong one."""

    def holds(text: str) -> bool:
        try:
            check(text)
        except (ValueError, Unreadable):
            return False
        return True

    return holds


@dataclasses.dataclass(frozen=True, slots=True)
class TextShape:
    """A string of one shape. The pattern describes the whole string, without anchors."""

    pattern: str
    rule: str
    """The end of a sentence that begins with the member's path."""
    format: str = ""
    """JSON Schema's word for it."""
    holds: Callable[[str], bool] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        form = {"format": self.format} if self.format else {}
        return {**handler(schema), "pattern": anchor_pattern(self.pattern), **form}

    def _check(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text) or (self.holds and not self.holds(text)):
            raise build_rule_error(self.rule)
        return text


def anchor_pattern(pattern: str) -> str:
    """As a JSON Schema writes it, where a pattern may match anywhere."""
    return f"^(?:{pattern})$"


PREFIX = r"(?:[\s\S]*\.)?"
"""What may stand before the last words of a CloudEvents `type`: your own reversed domain, or nothing."""


def build_event_shape(event_type: str) -> TextShape:
    """The CloudEvents `type` of an event type: any prefix, a change, and major version 1."""
    return TextShape(
        rf"{PREFIX}{event_type}\.(?:{'|'.join(CHANGE_WORDS)})\.v1",
        f"must end with {event_type}.<change>.v1, and <change> be one of {', '.join(CHANGE_WORDS)}",
    )


ORGANIZATION_SOURCE = "urn:salesforce:org:"
"""What a CloudEvents `source` begins with that names an organization."""


def is_organization(text: str) -> bool:
    """Whether it is an organization's id, in any spelling."""
    return make_predicate(normalize_id)(text) and normalize_id(text).startswith("00D")


def extract_organization(source: str) -> str | None:
    """The organization's id as a source spells it, or None where it names none."""
    return source.removeprefix(ORGANIZATION_SOURCE) if source.startswith(ORGANIZATION_SOURCE) else None


def _is_source(text: str) -> bool:
    named = extract_organization(text)
    return named is None or is_organization(named)


ORGANIZATION_PATTERN = "00D[0-9A-Za-z]{12}|00[Dd][0-9A-Za-z]{15}"
SEQUENCE_PATTERN = r"[0-9]{14}\.[0-9]{20}\.[0-9]{6}"
_TIME_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)

Text = Annotated[str, Field(min_length=1)]
SalesforceId = Annotated[
    str,
    TextShape(
        "[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?",
        "must be an id: 15 letters and digits, or 18 whose last three fit the others",
        holds=make_predicate(normalize_id),
    ),
]
OrganizationId = Annotated[
    str,
    TextShape(
        ORGANIZATION_PATTERN,
        "must be the id of an organization: 00D..., 15 or 18 letters and digits",
        holds=is_organization,
    ),
]
Source = Annotated[
    str,
    # A schema says both cases as alternatives: one pattern would need a look-ahead, which not all have.
    TextShape(
        r"[\s\S]+",
        f"must not be empty, and after {ORGANIZATION_SOURCE} stand the id of an organization",
        holds=_is_source,
    ),
]
Sequence = Annotated[str, TextShape(SEQUENCE_PATTERN, "must be 14, 20 and 6 digits with dots between them")]
Time = Annotated[
    str,
    TextShape(
        _TIME_PATTERN,
        "must be a time as RFC 3339 writes it, like 2026-05-07T22:29:47.000Z",
        format="date-time",
        holds=make_predicate(datetime.fromisoformat),
    ),
]
Day = Annotated[
    str,
    TextShape(
        "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        "must be a day like 2026-05-07",
        format="date",
        holds=make_predicate(date.fromisoformat),
    ),
]


def _convert_decimal(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


_RULES = {
    "duplicate_key": "must not name a field twice, nested and with dots",
    "unknown_shape": "must not hold a value in a wrapping or nesting that is not agreed",
    "too_large": "must not hold so many long names of nested fields",
}
"""The reader's reason -> our words."""
_NAME_RULE = f"must not hold a field name of more than {MAX_NAME_LENGTH} characters or {MAX_PARTS} parts"
Number = Annotated[float, BeforeValidator(_convert_decimal), Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class OpenModel(BaseModel):
    """An object to which members may be added at any time: unknown ones are allowed and ignored."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, use_attribute_docstrings=True)


def check_fields(fields: Mapping[str, Any], leaves: Callable[[Mapping[str, Any]], object]) -> None:
    """Refuse what cannot be fields of a record; the reader takes them apart with the same function."""
    try:
        leaves(fields)
    except Unreadable as error:
        raise build_rule_error(_RULES.get(error.reason, _NAME_RULE)) from None
