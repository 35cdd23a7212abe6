"""The types of the contract. They are the only source of schemas, tables and checks.

One event of one record in each message. A rule about two members is told once each of them is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict

from passport_events.contract.change_event import ChangeEvent
from passport_events.contract.field_types import (
    ORGANIZATION_PATTERN,
    ORGANIZATION_SOURCE,
    PREFIX,
    Count,
    Day,
    Number,
    OpenModel,
    OrganizationId,
    SalesforceId,
    Sequence,
    Source,
    Text,
    TextShape,
    Time,
    anchor_pattern,
    build_event_shape,
    build_rule_error,
    check_fields,
    extract_organization,
)
from passport_events.salesforce_ids import normalize_id
from passport_events.wire.cloudevents import remove_rest_metadata
from passport_events.wire.flatten import flatten_fields

_NAMED_SOURCE = anchor_pattern(f"{ORGANIZATION_SOURCE}(?:{ORGANIZATION_PATTERN})")
_OTHER_SOURCE: JsonDict = {"not": {"pattern": f"^{ORGANIZATION_SOURCE}"}}
_NAMES_ITS_ORGANIZATION: JsonDict = {
    "anyOf": [
        {"properties": {"source": {"pattern": _NAMED_SOURCE}}},
        {
            "required": ["orgid"],
            "properties": {
                "orgid": {"type": "string"},
                "source": _OTHER_SOURCE,
            },
        },
    ]
}


class CloudEvent(OpenModel):
    """What every message of the contract begins with."""

    model_config = ConfigDict(json_schema_extra=_NAMES_ITS_ORGANIZATION)

    specversion: Literal["1.0"]
    """The version of CloudEvents."""
    id: Text
    """With `source` the identity of the event. The same again means the same event; never reuse it."""
    source: Source
    """Who publishes: `urn:salesforce:org:` and the organization's id, or any other URI."""
    type: str
    time: Time | None = None
    """When the message was made. It orders nothing."""
    datacontenttype: Text | None = None
    """`application/json`."""
    dataschema: Text | None = None
    """The `$id` of the schema that the message was written for."""
    orgid: Annotated[OrganizationId | None, Field(validate_default=True)] = None
    """The Salesforce organization. Required where `source` does not name it; both must agree."""

    @field_validator("orgid")
    @classmethod
    def _one_organization(cls, orgid: str | None, info: ValidationInfo) -> str | None:
        if "source" in info.data:
            named = extract_organization(info.data["source"])
            if orgid is None and named is None:
                raise build_rule_error("must be the organization's id, because source does not name it")
            if orgid is not None and named is not None and normalize_id(orgid) != normalize_id(named):
                raise build_rule_error("must be the organization that source names")
        return orgid


class Heartbeat(CloudEvent):
    """Says that the way from Salesforce to us is open, though nothing has changed."""

    type: Annotated[str, TextShape(rf"{PREFIX}heartbeat\.v1", "must end with heartbeat.v1")]
    """Any prefix, then `heartbeat.v1`."""
    time: Time
    """When it was published: how long the way takes is measured from it."""


class Data(OpenModel):
    """The record. A member that is not listed is allowed, and becomes a field of the mirror."""

    record_id: SalesforceId
    """Salesforce's id of the record, 15 or 18 characters."""
    system_modstamp: Time | None = None
    """Salesforce's SystemModstamp."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        check_fields(remove_rest_metadata(self.model_extra or {}), flatten_fields)
        return self


class RecordEvent(CloudEvent):
    """A change of one Salesforce record."""

    sequence: Sequence
    """Orders the events of a record, as text: milliseconds since 1970 and two numbers of your own."""
    data: Data
    """In an update only what changed, and null for what was emptied; otherwise the whole record."""
    subject: Annotated[SalesforceId | None, Field(validate_default=True)] = None
    """The record's id again, for filters that cannot see into `data`."""

    @field_validator("subject")
    @classmethod
    def _one_record(cls, subject: str | None, info: ValidationInfo) -> str | None:
        data = info.data.get("data")
        if subject is not None and data is not None and normalize_id(subject) != normalize_id(data.record_id):
            raise build_rule_error("must be the record that data.record_id names")
        return subject


class OpportunityData(Data):
    """An opportunity: a student's way through a program."""

    name: str | None = None
    """Salesforce's Name."""
    stage_name: str | None = None
    """Salesforce's StageName."""
    amount: Number | None = None
    """Salesforce's Amount, in the currency of the organization."""
    close_date: Day | None = None
    """Salesforce's CloseDate."""
    account_id: SalesforceId | None = None
    """Salesforce's AccountId."""
    is_closed: bool | None = None
    """Salesforce's IsClosed."""
    is_won: bool | None = None
    """Salesforce's IsWon."""


class AttachmentData(Data):
    """A file. Its content is never in the message; it is read from Salesforce."""

    parent_id: SalesforceId | None = None
    """The record that the file belongs to."""
    name: str | None = None
    """The file's name, with its ending."""
    content_type: str | None = None
    """A media type, like `application/pdf`."""
    size: Count | None = None
    """In bytes."""


class ItemData(Data):
    """A line item of an opportunity."""

    opportunity_id: SalesforceId | None = None
    """Salesforce's OpportunityId."""
    product_id: SalesforceId | None = None
    """Salesforce's Product2Id."""
    name: str | None = None
    """Salesforce's Name."""
    quantity: Number | None = None
    """Salesforce's Quantity."""
    unit_price: Number | None = None
    """Salesforce's UnitPrice, in the currency of the organization."""
    total_price: Number | None = None
    """Salesforce's TotalPrice, in the same."""


class Opportunity(RecordEvent):
    """A change of an opportunity."""

    type: Annotated[str, build_event_shape("opportunity")]
    """Any prefix, then `opportunity.<change>.v1`."""
    data: OpportunityData
    """In an update only what changed, and null for what was emptied; otherwise the whole record."""
    entity: Literal["Opportunity"] | None = None
    """The Salesforce object."""


class Attachment(RecordEvent):
    """A change of a file."""

    type: Annotated[str, build_event_shape("attachment")]
    """Any prefix, then `attachment.<change>.v1`."""
    data: AttachmentData
    """In an update only what changed, and null for what was emptied; otherwise the whole record."""
    entity: Literal["ContentVersion", "ContentDocumentLink", "Attachment"] | None = None
    """The Salesforce object; `ContentVersion` where it is absent."""


class Item(RecordEvent):
    """A change of a line item."""

    type: Annotated[str, build_event_shape("item")]
    """Any prefix, then `item.<change>.v1`."""
    data: ItemData
    """In an update only what changed, and null for what was emptied; otherwise the whole record."""
    entity: Literal["OpportunityLineItem"] | None = None
    """The Salesforce object."""


TYPES: Mapping[str, type[OpenModel]] = MappingProxyType(
    {
        "opportunity": Opportunity,
        "attachment": Attachment,
        "item": Item,
        "heartbeat": Heartbeat,
        "change_event": ChangeEvent,
    }
)
"""Kind -> its type. A kind is what schemas, samples and problems go by."""
