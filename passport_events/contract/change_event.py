"""Salesforce's change event as the Event Relay hands it to EventBridge.

Only what the reader needs is described. The fields of the record stand beside the header with the
names that Salesforce gives them, and are not described here. Formats: as in `wire`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from passport_events.contract.field_types import (
    ORGANIZATION_PATTERN,
    OpenModel,
    Text,
    TextShape,
    build_rule_error,
    check_fields,
    is_organization,
    make_predicate,
)
from passport_events.salesforce_ids import normalize_id
from passport_events.wire.eventbridge import SOURCE, find_source_organization
from passport_events.wire.flatten import MAX_NAME_LENGTH, flatten_salesforce_fields

_UPDATE = "UPDATE"


def _names_organization(source: str) -> bool:
    named = find_source_organization({"source": source})
    return named is not None and is_organization(named)


def _is_record(text: str) -> bool:
    return text.endswith("*") or make_predicate(normalize_id)(text)


ChangedRecord = Annotated[
    str,
    TextShape(
        r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?|[0-9A-Za-z]{3}\*",
        "must be an id: 15 letters and digits, or 18 whose last three fit the others",
        holds=_is_record,
    ),
]
"""Also `001*` and fifteen zeros, by which Salesforce says "any number of records"."""
FieldName = Annotated[str, Field(max_length=MAX_NAME_LENGTH)]


class Header(OpenModel):
    """What Salesforce says about the change."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["changeType"], "properties": {"changeType": {"const": _UPDATE}}},
            "then": {"required": ["changedFields"], "properties": {"changedFields": {"type": "array"}}},
        },
    )

    entityName: Text
    """API name of the object, like `Opportunity`."""
    recordIds: Annotated[list[ChangedRecord], Field(min_length=1)]
    """Every record that was changed in this way."""
    changeType: Literal[
        "CREATE",
        "UPDATE",
        "DELETE",
        "UNDELETE",
        "GAP_CREATE",
        "GAP_UPDATE",
        "GAP_DELETE",
        "GAP_UNDELETE",
        "GAP_OVERFLOW",
    ]
    """What happened. With GAP_ Salesforce could not tell what changed, and the record is read again."""
    sequenceNumber: Annotated[int, Field(ge=0, le=9_999_999_999)]
    """Orders the changes of one transaction."""
    commitTimestamp: Annotated[int, Field(ge=0, le=10**14 - 1)]
    """Milliseconds since 1970."""
    commitNumber: Annotated[int | None, Field(ge=0, le=2**63 - 1)] = None
    """Beyond what JavaScript's numbers hold: never let a script rewrite it."""
    transactionKey: Text
    """The same for every change of one transaction."""
    changeOrigin: str | None = None
    """Which client made the change."""
    changedFields: Annotated[list[FieldName] | None, Field(validate_default=True)] = None
    """Names of the fields that an UPDATE changed. Only an UPDATE has to have it."""
    nulledFields: list[FieldName] | None = None
    """Names of the fields that an UPDATE emptied, where the sender tells."""
    diffFields: list[FieldName] | None = None
    """Names of the fields of which only a difference of texts is sent."""

    @field_validator("changedFields")
    @classmethod
    def _an_update_names_fields(cls, names: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if names is None and info.data.get("changeType") == _UPDATE:
            raise build_rule_error("must be an array, because this is an UPDATE")
        return names


class Payload(OpenModel):
    """The change event: its header, and fields of the record."""

    ChangeEventHeader: Header

    @model_validator(mode="after")
    def _names(self) -> Self:
        check_fields(self.model_extra or {}, flatten_salesforce_fields)
        return self


class Detail(OpenModel):
    """What Salesforce relayed."""

    payload: Payload


class ChangeEvent(OpenModel):
    """A change event of Change Data Capture, in the envelope of EventBridge."""

    source: Annotated[
        str,
        TextShape(
            rf"{SOURCE.replace('.', '[.]')}(?:{ORGANIZATION_PATTERN})(?:/[\s\S]*)?",
            f"must be {SOURCE}<organization>/<channel>, as the Event Relay writes it",
            holds=_names_organization,
        ),
    ]
    """The partner event source. Nothing else in a change event names the organization."""
    detail_type: Annotated[Any, Field(alias="detail-type")] = None
    """Like `OpportunityChangeEvent`. A rule may replace it."""
    detail: Detail
