"""Our contract for messages that people write themselves: CloudEvents 1.0, structured JSON.

`type` ends with `<event type>.<change>.v1`, `sequence` orders the events of a record, and `data`
holds the record's id and fields. Unknown attributes are allowed and ignored. Format: the CloudEvents
specification 1.0, its JSON format, and its extension `sequence`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from passport_events.conf import EventType, Settings
from passport_events.event import CHANGE_WORDS, Change, Event, Identity
from passport_events.exceptions import Unreadable
from passport_events.salesforce_ids import normalize_id
from passport_events.wire.envelope import Envelope
from passport_events.wire.flatten import drop_nulls, flatten_fields
from passport_events.wire.json_fields import (
    get_optional_text,
    require_object,
    require_text,
    safe_name,
    schema_error,
)
from passport_events.wire.organization_ids import find_organization
from passport_events.wire.unsupported import is_rest_metadata
from passport_events.wire.versions import parse_sequence

SPECVERSION = "1.0"
MAJOR_VERSION = "1"

_ORGANIZATION_SOURCE = "urn:salesforce:org:"
_RECORD_ID = "record_id"
_TYPE = re.compile(r"(?:.*\.)?(?P<event_type>[^.]+)\.(?P<change>[^.]+)\.v(?P<major>[0-9]+)", re.DOTALL)


def matches(body: dict[str, Any]) -> bool:
    """By the one attribute that every version of CloudEvents requires."""
    return "specversion" in body


def parse(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """The one event of a contract message. Raises Unreadable."""
    check_version(body)
    event_type, change = _parse_type(require_text(body, "type"), settings)
    organization = find_organization(envelope, find_organizations(body), settings)
    version = parse_sequence(require_text(body, "sequence"), "sequence")
    data = require_object(body, "data")
    fields = extract_fields({name: value for name, value in data.items() if name != _RECORD_ID}, change)
    return (
        Event(
            event_type=event_type.name,
            change=change,
            organization=organization,
            entity=_read_entity(body, event_type),
            record_id=_read_record_id(body, data),
            version=version,
            identity=Identity.of("cloudevents", require_text(body, "source"), require_text(body, "id")),
            fields=MappingProxyType(fields),
            enriched=tuple(sorted(fields)) if change is Change.DELETED else (),
        ),
    )


def check_version(body: Mapping[str, Any]) -> None:
    """Raise Unreadable unless this is the CloudEvents that we know."""
    if require_text(body, "specversion") != SPECVERSION:
        raise Unreadable("unsupported_version", f"specversion must be {SPECVERSION}")


def find_organizations(body: Mapping[str, Any]) -> dict[str, str | None]:
    """What a message says about its organization, by the place where it does. Raises Unreadable `schema`."""
    source = require_text(body, "source")
    of_source = source.removeprefix(_ORGANIZATION_SOURCE) if source.startswith(_ORGANIZATION_SOURCE) else None
    return {"orgid": get_optional_text(body, "orgid"), "source": of_source}


def _parse_type(text: str, settings: Settings) -> tuple[EventType, Change]:
    match = _TYPE.fullmatch(text)
    if match is None:
        raise schema_error("type", "end with <event type>.<change>.v1")
    if match["major"] != MAJOR_VERSION:
        # Before the rest, whose words another version may have changed.
        raise Unreadable("unsupported_version", f"type must end with .v{MAJOR_VERSION}")
    change = CHANGE_WORDS.get(match["change"])
    if change is None:
        raise schema_error("type", f"name one of {', '.join(CHANGE_WORDS)}")
    event_type = settings.event_types.get(match["event_type"])
    if event_type is None:
        raise Unreadable("unknown_event_type", safe_name(match["event_type"]))
    return event_type, change


def _read_entity(body: Mapping[str, Any], event_type: EventType) -> str:
    entity = get_optional_text(body, "entity") or event_type.entities[0]
    if entity not in event_type.entities:
        raise schema_error("entity", "be an object of the event type")
    return entity


def _read_record_id(body: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """From `subject` and `data.record_id`; an SNS filter can see the first, a form the second."""
    claims = {
        "subject": get_optional_text(body, "subject"),
        f"data.{_RECORD_ID}": get_optional_text(data, _RECORD_ID, "data."),
    }
    found = {normalize_id(claim, where) for where, claim in claims.items() if claim is not None}
    if len(found) != 1:
        raise schema_error(" and ".join(claims), "name one record" if found else "not both be absent")
    return found.pop()


def extract_fields(data: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """Every leaf is a changed field; in an update null says that the field was emptied.

    A delete may say what the record was, so that a handler finds what belongs to it. Raises Unreadable.
    """
    leaves = flatten_fields(remove_rest_metadata(data))
    return leaves if change is Change.UPDATED else drop_nulls(leaves)


def remove_rest_metadata(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the `attributes` that Apex's `JSON.serialize` begins a record with; they are no field."""
    if not is_rest_metadata(data.get("attributes")):
        return data
    return {name: value for name, value in data.items() if name != "attributes"}
