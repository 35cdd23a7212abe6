"""A change event as the Streaming API sends it: {"schema", "payload": {...}, "event": {"replayId"}}.

Some subscribers forward the whole message, {"channel": "/data/...", "data": {the same}}. The replay
id is not used: it is not unique after a migration of the organization. Format: "Subscribe with
CometD" in Salesforce's Change Data Capture Developer Guide.
"""

from __future__ import annotations

from typing import Any

from passport_events.conf import Settings
from passport_events.event import Event
from passport_events.wire import cdc
from passport_events.wire.change_event_header import NAME
from passport_events.wire.envelope import Envelope
from passport_events.wire.organization_ids import find_organization


def matches(body: dict[str, Any]) -> bool:
    """By a header inside `payload`."""
    return _holder(body) is not None


def parse(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    payload, path = _holder(body) or ({}, "payload.")
    return cdc.parse_change_event(payload, find_organization(envelope, {}, settings), settings, path)


def _holder(body: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    """The change event and its path."""
    for message, path in ((body, ""), (body.get("data"), "data.")):
        payload = message.get("payload") if isinstance(message, dict) else None
        if isinstance(payload, dict) and NAME in payload:
            return payload, f"{path}payload."
    return None
