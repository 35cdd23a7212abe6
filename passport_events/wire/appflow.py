"""Change events as Amazon AppFlow hands them to EventBridge: as `detail` itself, without `payload`.

`source` holds an AWS account and the name of a flow, never an organization. Format: "Receiving
events from Salesforce" in the EventBridge User Guide.
"""

from __future__ import annotations

from typing import Any

from passport_events.conf import Settings
from passport_events.event import Event
from passport_events.wire import cdc
from passport_events.wire.change_event_header import NAME
from passport_events.wire.envelope import Envelope
from passport_events.wire.eventbridge_relay import organization_in
from passport_events.wire.json_fields import require_object
from passport_events.wire.organization_ids import find_organization


def matches(body: dict[str, Any]) -> bool:
    """By the place of the header. Somebody's own rule or function may send the same shape."""
    detail = body.get("detail")
    return "detail-type" in body and isinstance(detail, dict) and NAME in detail


def parse(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    # A relay's source still counts: an organization that is named must never be overruled.
    organization = find_organization(envelope, {"source": organization_in(body)}, settings)
    return cdc.parse_change_event(require_object(body, "detail"), organization, settings, "detail.")
