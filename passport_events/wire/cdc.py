"""The events of a change event payload, {"ChangeEventHeader": {...}, fields...}, whatever wraps it.

A body's fields are a hint. Depending on who decoded it an update carries only what changed, or
every field with null for "unchanged", or names fields whose values it leaves out. So an update
changes only what is both named and present. What is present and not named is *enriched*: an unchanged
field that the channel is set up to send along, with its value at the commit. It may be empty only in
bodies that list every field, so a null is none. Format: "Enrich Change Events with Extra Fields" in
Salesforce's Change Data Capture Developer Guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from passport_events import exact_json
from passport_events.conf import Settings
from passport_events.event import Change, Event, Identity, find_compounds, is_among
from passport_events.exceptions import Unreadable
from passport_events.wire.change_event_header import HEADER_NAME, ChangeEventHeader, read_header
from passport_events.wire.envelope import Envelope
from passport_events.wire.flatten import drop_nulls, flatten_salesforce_fields
from passport_events.wire.json_fields import safe_name
from passport_events.wire.organization_ids import find_organization

MAX_COPIED_BYTES = 64 * 1024 * 1024
"""A merged event is stored once per record; a 1 MiB body could ask for gigabytes."""

# Every update carries it, whether it is named or not.
_MODIFIED_FIELD = "LastModifiedDate"
# `0x0320`, or `4-0x01` for a part of the fourth field: an event that nobody decoded.
_BITMAP = re.compile(r"(?:[0-9]+-)?0x[0-9A-Fa-f]*")


def parse_change_event(
    payload: Mapping[str, Any], organization: str, settings: Settings, path: str
) -> tuple[Event, ...]:
    """One event for each record of a change event; `path` is the payload's, for errors.

    Raises Unreadable: `schema`, `bad_id`, `duplicate_key`, `unknown_event_type`, `too_large`, and
    `resync_needed` where the event stands for records that it does not name.
    """
    header = read_header(payload, path)
    event_type = settings.type_of_entity(header.entity)
    if event_type is None:
        raise Unreadable("unknown_event_type", f"entity {safe_name(header.entity)}")
    change, record_ids = header.change, header.records()
    said = _extract_content(payload, header, change)
    _check_copied_bytes(said.fields, len(record_ids))
    shared = MappingProxyType(said.fields)
    return tuple(
        Event(
            event_type=event_type.name,
            change=change,
            organization=organization,
            entity=header.entity,
            record_id=record_id,
            version=header.version,
            # Never commitNumber: a JavaScript hop rounds it.
            identity=Identity.of(
                "cdc",
                organization,
                header.entity,
                record_id,
                header.transaction_key,
                header.sequence_number,
                header.change_type,
            ),
            fields=shared,
            missing=said.missing,
            enriched=said.enriched,
            is_gap=said.is_gap,
            origin=header.origin,
            transaction=header.transaction_key,
        )
        for record_id in record_ids
    )


class _Content(NamedTuple):
    fields: dict[str, Any]
    missing: tuple[str, ...] = ()
    enriched: tuple[str, ...] = ()
    is_gap: bool = False
    """Whether the record has to be read instead."""


def _extract_content(payload: Mapping[str, Any], header: ChangeEventHeader, change: Change) -> _Content:
    if header.is_gap:
        return _Content({}, is_gap=True)
    if change is Change.UPDATED and any(
        "0x" in name and _BITMAP.fullmatch(name) for name in header.changed | header.nulled | header.diffs
    ):
        return _Content({}, is_gap=True)
    leaves = flatten_salesforce_fields(
        {name: value for name, value in payload.items() if name != HEADER_NAME}
    )
    if change is Change.UPDATED:
        return _extract_update(leaves, header)
    fields = drop_nulls(leaves)
    return _Content(fields, enriched=tuple(sorted(fields)) if change is Change.DELETED else ())


def _extract_update(leaves: Mapping[str, Any], header: ChangeEventHeader) -> _Content:
    """What an update says: a named compound covers its leaves, a dotted name is a leaf's own."""
    nulled = header.nulled - header.diffs
    told_otherwise = nulled | header.diffs
    fields: dict[str, Any] = {}
    enriched: list[str] = []
    for leaf, value in leaves.items():
        if is_among(leaf, told_otherwise):
            continue
        if is_among(leaf, header.changed):
            fields[leaf] = value
        elif value is not None:
            fields[leaf] = value
            if leaf != _MODIFIED_FIELD:
                enriched.append(leaf)
    fields |= dict.fromkeys(nulled)
    absent = {name for name in _find_absent(header.changed, leaves) if not is_among(name, nulled)}
    return _Content(fields, tuple(sorted(header.diffs | absent)), tuple(sorted(enriched)))


def _find_absent(names: frozenset[str], leaves: Mapping[str, Any]) -> frozenset[str]:
    """Those of `names` that are neither a leaf nor a compound with leaves."""
    absent = names - leaves.keys()
    return absent.difference(*map(find_compounds, leaves)) if absent else absent


def _check_copied_bytes(fields: Mapping[str, Any], records: int) -> None:
    if records > 1 and records * len(exact_json.dumps(fields)) > MAX_COPIED_BYTES:
        raise Unreadable("too_large", f"its fields, once for each of {records} records")


def matches_bare(body: dict[str, Any]) -> bool:
    """By its header. No field of a Salesforce object can have this name."""
    return HEADER_NAME in body


def parse_bare(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    return parse_change_event(body, find_organization(envelope, {}, settings), settings, "")


def matches_cometd(body: dict[str, Any]) -> bool:
    """By a header inside `payload`."""
    return _find_payload(body) is not None


def parse_cometd(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    payload, path = _find_payload(body) or ({}, "payload.")
    return parse_change_event(payload, find_organization(envelope, {}, settings), settings, path)


def _find_payload(body: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The change event and its path."""
    for message, path in ((body, ""), (body.get("data"), "data.")):
        payload = message.get("payload") if isinstance(message, dict) else None
        if isinstance(payload, dict) and HEADER_NAME in payload:
            return payload, f"{path}payload."
    return None
