"""A change event with nothing around it: {"ChangeEventHeader": {...}, fields...}.

An EventBridge rule that forwards only `$.detail.payload` sends it, or whoever subscribes to the
Pub/Sub API by themselves. It names no organization; the attribute `org_id` or the topic has to.
"""

from __future__ import annotations

from typing import Any

from passport_events.conf import Settings
from passport_events.event import Event
from passport_events.wire import cdc
from passport_events.wire.change_event_header import NAME
from passport_events.wire.envelope import Envelope
from passport_events.wire.organization_ids import organization_of


def recognises(body: dict[str, Any]) -> bool:
    """By its header. No field of a Salesforce object can have this name."""
    return NAME in body


def events(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    return cdc.events_of(body, organization_of(envelope, {}, settings), settings, "")
