"""Change events from Amazon EventBridge: from Salesforce's Event Relay and from Amazon AppFlow.

An event of the relay has the source `aws.partner/salesforce.com/<organization>/<channel>` and the
change event in `detail.payload`. Other members are undocumented and not used. Format: EventRelayFeedback
in Salesforce's Object Reference, and "Event Relay" on developer.salesforce.com.

AppFlow sends the change event as `detail` itself. Its `source` has an AWS account and the name of a
flow, but no organization. Format: "Receiving events from Salesforce" in the EventBridge User Guide.
"""

from __future__ import annotations

from typing import Any

from passport_events.conf import Settings
from passport_events.event import Event
from passport_events.wire import cdc
from passport_events.wire.change_event_header import HEADER_NAME
from passport_events.wire.envelope import Envelope
from passport_events.wire.json_fields import require_object
from passport_events.wire.organization_ids import find_organization

SOURCE = "aws.partner/salesforce.com/"


def matches_relay(body: dict[str, Any]) -> bool:
    """By its source and its header. A rule may replace `detail-type`, so either of two is enough."""
    source, kind = body.get("source"), body.get("detail-type")
    if not isinstance(source, str) or not source.startswith(SOURCE):
        return False
    detail = body.get("detail")
    payload = detail.get("payload") if isinstance(detail, dict) else None
    has_header = isinstance(payload, dict) and HEADER_NAME in payload
    return has_header or (isinstance(kind, str) and kind.endswith("ChangeEvent"))


def parse_relay(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    organization = find_organization(envelope, {"source": find_source_organization(body)}, settings)
    payload = require_object(require_object(body, "detail"), "payload", "detail.")
    return cdc.parse_change_event(payload, organization, settings, "detail.payload.")


def find_source_organization(body: dict[str, Any]) -> str | None:
    """The organization that the source of an EventBridge event names, as it is written there."""
    source = body.get("source")
    if not isinstance(source, str) or not source.startswith(SOURCE):
        return None
    return source.removeprefix(SOURCE).partition("/")[0] or None


def matches_appflow(body: dict[str, Any]) -> bool:
    """By the place of the header. Somebody's own rule or function may send the same shape."""
    detail = body.get("detail")
    return "detail-type" in body and isinstance(detail, dict) and HEADER_NAME in detail


def parse_appflow(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    # A relay's source still counts: an organization that is named must never be overruled.
    organization = find_organization(envelope, {"source": find_source_organization(body)}, settings)
    return cdc.parse_change_event(require_object(body, "detail"), organization, settings, "detail.")
