"""Change events as Salesforce's Event Relay hands them to Amazon EventBridge.

`source` is `aws.partner/salesforce.com/<organization>/<channel>` and the change event stands under
`detail.payload`; members beside it are not documented and not needed. Format: EventRelayFeedback in
Salesforce's Object Reference, and "Event Relay" on developer.salesforce.com.
"""

from __future__ import annotations

from typing import Any

from passport_events.conf import Settings
from passport_events.event import Event
from passport_events.wire import cdc
from passport_events.wire.change_event_header import NAME
from passport_events.wire.envelope import Envelope
from passport_events.wire.json_fields import require_object
from passport_events.wire.organization_ids import find_organization

SOURCE = "aws.partner/salesforce.com/"


def matches(body: dict[str, Any]) -> bool:
    """By its source and its header. A rule may replace `detail-type`, so either of two is enough."""
    source, kind = body.get("source"), body.get("detail-type")
    if not isinstance(source, str) or not source.startswith(SOURCE):
        return False
    detail = body.get("detail")
    payload = detail.get("payload") if isinstance(detail, dict) else None
    has_header = isinstance(payload, dict) and NAME in payload
    return has_header or (isinstance(kind, str) and kind.endswith("ChangeEvent"))


def parse(body: dict[str, Any], envelope: Envelope, settings: Settings) -> tuple[Event, ...]:
    """One event for each record that the change event names. Raises Unreadable."""
    organization = find_organization(envelope, {"source": organization_in(body)}, settings)
    payload = require_object(require_object(body, "detail"), "payload", "detail.")
    return cdc.parse_change_event(payload, organization, settings, "detail.payload.")


def organization_in(body: dict[str, Any]) -> str | None:
    """The organization that the source of an EventBridge event names, as it is written there."""
    source = body.get("source")
    if not isinstance(source, str) or not source.startswith(SOURCE):
        return None
    return source.removeprefix(SOURCE).partition("/")[0] or None
