"""What the messages of the contract have in common, and the heartbeat, which has no more than that.

Format: the CloudEvents specification 1.0 and its JSON format, structured mode.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic.config import JsonDict

from passport_events.contract.shape import Shape, anchored, broken
from passport_events.contract.values import (
    ORGANIZATION_PATTERN,
    ORGANIZATION_SOURCE,
    PREFIX,
    Open,
    OrganizationId,
    Source,
    Text,
    Time,
    organization_of,
)
from passport_events.salesforce_ids import normalize_id

_NAMED = anchored(f"{ORGANIZATION_SOURCE}(?:{ORGANIZATION_PATTERN})")
_OTHER: JsonDict = {"not": {"pattern": f"^{ORGANIZATION_SOURCE}"}}
_NAMES_ITS_ORGANIZATION: JsonDict = {
    "anyOf": [
        {"properties": {"source": {"pattern": _NAMED}}},
        {
            "required": ["orgid"],
            "properties": {
                "orgid": {"type": "string"},
                "source": _OTHER,
            },
        },
    ]
}


class CloudEvent(Open):
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
            named = organization_of(info.data["source"])
            if orgid is None and named is None:
                raise broken("must be the organization's id, because source does not name it")
            if orgid is not None and named is not None and normalize_id(orgid) != normalize_id(named):
                raise broken("must be the organization that source names")
        return orgid


class Heartbeat(CloudEvent):
    """Says that the way from Salesforce to us is open, though nothing has changed."""

    type: Annotated[str, Shape(rf"{PREFIX}heartbeat\.v1", "must end with heartbeat.v1")]
    """Any prefix, then `heartbeat.v1`."""
    time: Time
    """When it was published: how long the way takes is measured from it."""
