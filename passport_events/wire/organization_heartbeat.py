"""Organization heartbeats: what Salesforce sends so that silence can be told from nothing to say.

Two shapes on the way that events take: a platform event through the Event Relay, named in
`HEARTBEAT_EVENTS`, and a contract message whose type ends with `heartbeat.v1`. Neither is about a
record. The process heartbeats of pollers (`models/heartbeat.py`) are another thing.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from passport_events.conf import Settings
from passport_events.exceptions import Unreadable
from passport_events.wire import cloudevents, eventbridge, platform_event
from passport_events.wire.envelope import Envelope, parse_utc
from passport_events.wire.json_fields import require_object
from passport_events.wire.organization_ids import find_organization
from passport_events.wire.versions import parse_time

NAME = "organization-heartbeat"
_CONTRACT_TYPE = ".heartbeat.v1"


@dataclasses.dataclass(frozen=True, slots=True)
class OrganizationHeartbeat:
    """One sign of life of a Salesforce organization."""

    organization: str
    """Salesforce's id, 18 characters."""
    sent_at: datetime
    """By the sender's clock, in UTC."""


def matches(body: Any, settings: Settings) -> bool:
    """By its name. A change event is none, whatever it is called: a wrong setting must not lose one."""
    if not isinstance(body, dict) or not (
        _is_contract_heartbeat(body) or _is_relay_heartbeat(body, settings)
    ):
        return False
    return not (eventbridge.matches_relay(body) or eventbridge.matches_appflow(body))


def parse_heartbeat(body: dict[str, Any], envelope: Envelope, settings: Settings) -> OrganizationHeartbeat:
    """The heartbeat that a body is. Raises Unreadable, also `no_time` where nothing says when."""
    if _is_contract_heartbeat(body):
        cloudevents.check_version(body)
        claims = cloudevents.find_organizations(body)
        said, path = body.get("time"), "time"
    else:
        payload = require_object(require_object(body, "detail"), "payload", "detail.")
        claims = {"source": eventbridge.find_source_organization(body)}
        said, path = payload.get("CreatedDate"), "detail.payload.CreatedDate"
    organization = find_organization(envelope, claims, settings)
    # What the sender wrote has to be right. EventBridge's time is the next best, and SNS's or SQS's the last.
    sent_at = (
        parse_time(said, path) if said is not None else parse_utc(body.get("time")) or envelope.published_at
    )
    if sent_at is None:
        raise Unreadable("no_time", f"{path} is absent, and nothing around it says when")
    return OrganizationHeartbeat(organization, sent_at)


def _is_contract_heartbeat(body: dict[str, Any]) -> bool:
    kind = body.get("type")
    return cloudevents.matches(body) and isinstance(kind, str) and f".{kind}".endswith(_CONTRACT_TYPE)


def _is_relay_heartbeat(body: dict[str, Any], settings: Settings) -> bool:
    return body.get("detail-type") in settings.heartbeat_events and platform_event.matches(body)
