"""Platform events through the Event Relay, read with the project's own map: `PLATFORM_EVENTS`.

They look like the relay's change events without a ChangeEventHeader: `detail.payload` holds flat
fields, and nothing but the map says which of them is the record's id. Format: as the relay's, and
"Platform Event Fields" in Salesforce's Platform Events Developer Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from passport_events.canonical_json import encode_canonical
from passport_events.conf import EventType, PlatformEvent, Settings
from passport_events.event import CHANGE_WORDS, Change, Event, Identity, Version
from passport_events.exceptions import Unreadable
from passport_events.salesforce_ids import normalize_id
from passport_events.wire import strict_json
from passport_events.wire.cloudevents import extract_fields
from passport_events.wire.envelope import Envelope
from passport_events.wire.eventbridge import SOURCE, find_source_organization
from passport_events.wire.flatten import drop_nulls, read_flat_fields
from passport_events.wire.json_fields import (
    get_optional_text,
    require_object,
    require_text,
    safe_name,
    schema_error,
)
from passport_events.wire.organization_ids import find_organization
from passport_events.wire.versions import parse_sequence_or_time

_PATH = "detail.payload."
_PARTNER = SOURCE.removesuffix("/")


def matches(body: dict[str, Any]) -> bool:
    """By the relay's source. Change events are asked first."""
    source = body.get("source")
    named = isinstance(source, str) and (source == _PARTNER or source.startswith(SOURCE))
    return named and "detail-type" in body and "detail" in body


def parse(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """The one event of a platform event. Raises Unreadable, also `no_version`."""
    name = require_text(body, "detail-type")
    meaning = settings.platform_events.get(name)
    if meaning is None:
        raise Unreadable("unknown_event_type", f"platform event {safe_name(name)}")
    event_type = settings.event_types.get(meaning.event_type)
    if event_type is None:
        raise Unreadable("unknown_event_type", safe_name(meaning.event_type))
    organization = find_organization(envelope, {"source": find_source_organization(body)}, settings)
    payload = require_object(require_object(body, "detail"), "payload", "detail.")
    change = _read_change(payload, meaning)
    fields = _extract_fields(payload, meaning, change, settings)
    return (
        Event(
            event_type=event_type.name,
            change=change,
            organization=organization,
            entity=_choose_entity(meaning, event_type),
            record_id=normalize_id(payload.get(meaning.record_id), _PATH + meaning.record_id),
            version=_read_version(payload, meaning),
            identity=_build_identity(name, payload, organization),
            fields=MappingProxyType(fields),
            enriched=tuple(sorted(fields)) if change is Change.DELETED else (),
        ),
    )


def _choose_entity(meaning: PlatformEvent, event_type: EventType) -> str:
    return meaning.entity or event_type.entities[0]


def _read_change(payload: Mapping[str, Any], meaning: PlatformEvent) -> Change:
    if meaning.change in CHANGE_WORDS:
        return CHANGE_WORDS[meaning.change]
    change = CHANGE_WORDS.get(require_text(payload, meaning.change, _PATH))
    if change is None:
        raise schema_error(_PATH + meaning.change, f"be one of {', '.join(CHANGE_WORDS)}")
    return change


def _read_version(payload: Mapping[str, Any], meaning: PlatformEvent) -> Version:
    """Without one nobody could tell which of two events is newer, and the mirror would guess."""
    path = _PATH + meaning.sequence
    if payload.get(meaning.sequence) is None:
        raise Unreadable("no_version", f"{path} is absent")
    return parse_sequence_or_time(payload[meaning.sequence], path)


def _build_identity(name: str, payload: Mapping[str, Any], organization: str) -> Identity:
    """Salesforce's own id, else the event itself: what surrounds it is new in every copy of a replay.

    The version is part of the payload, so only events of one record at one time can look alike.
    """
    uuid = get_optional_text(payload, "EventUuid", _PATH)
    if uuid:
        return Identity.of("uuid", organization, uuid)
    return Identity.of("body", organization, name, encode_canonical(payload))


def _extract_fields(
    payload: Mapping[str, Any], meaning: PlatformEvent, change: Change, settings: Settings
) -> dict[str, Any]:
    """A publisher's own JSON says null on purpose; a field of the event is null where nobody set it."""
    if meaning.fields:
        if change is Change.DELETED and payload.get(meaning.fields) is None:
            return {}
        return extract_fields(_parse_json_field(payload, meaning.fields, settings), change)
    custom = {name: payload[name] for name in payload if name.endswith("__c") and name not in meaning.used}
    return drop_nulls(read_flat_fields(custom))


def _parse_json_field(payload: Mapping[str, Any], name: str, settings: Settings) -> dict[str, Any]:
    text = require_text(payload, name, _PATH)
    try:
        return strict_json.loads_object(text.encode(), settings.max_body_bytes)
    except Unreadable as error:
        raise Unreadable(error.reason, f"{error.detail} inside {_PATH}{name}".strip()) from None
