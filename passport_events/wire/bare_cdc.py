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
from passport_events.wire.organization_ids import find_organization


def matches(body: dict[str, Any]) -> bool:
    """By its header. No field of a Salesforce object can have this name."""
    return NAME in body


def parse(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    return cdc.parse_change_event(body, find_organization(envelope, {}, settings), settings, "")
