"""Record organization heartbeats: two columns of the organization, and no row for each heartbeat.

Only the time since the last one is of use, and there are 21,600 a day.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from passport_events.instrumentation import Notification, emit
from passport_events.models import SalesforceOrganization
from passport_events.receiving import queries
from passport_events.receiving.organization_cache import KnownOrganization
from passport_events.wire.parser import ParsedDelivery
from passport_events.wire.raw_delivery import RawDelivery


@dataclasses.dataclass(frozen=True, slots=True)
class ReceivedHeartbeat:
    """A heartbeat of a known organization, and the delivery that brought it."""

    raw: RawDelivery
    organization: KnownOrganization
    sent_at: datetime


def find_heartbeats(
    parsed: Iterable[tuple[RawDelivery, ParsedDelivery]], organizations: Mapping[str, KnownOrganization]
) -> list[ReceivedHeartbeat]:
    """Find the heartbeats of known organizations. Those of unknown ones become rows, as their events do."""
    return [
        ReceivedHeartbeat(raw, organizations[one.heartbeat.organization], one.heartbeat.sent_at)
        for raw, one in parsed
        if one.heartbeat is not None and one.heartbeat.organization in organizations
    ]


def record_heartbeats(heartbeats: Sequence[ReceivedHeartbeat]) -> tuple[RawDelivery, ...]:
    """Record the newest heartbeat of each organization, in one statement for all.

    Returns the deliveries that may be deleted: the update is committed, and found their organization.
    Raises the database's errors.
    """
    newest: dict[int, ReceivedHeartbeat] = {}
    for heartbeat in sorted(heartbeats, key=lambda one: one.sent_at):
        newest[heartbeat.organization.pk] = heartbeat
    found = set(newest)
    if queries.record_heartbeats({pk: one.sent_at for pk, one in newest.items()}) < len(newest):
        # An organization was deleted after it was cached. SQS redelivers its heartbeats, and then it is
        # unknown here too.
        rows = SalesforceOrganization.objects.filter(pk__in=list(newest))
        found = set(rows.values_list("pk", flat=True))
    now = datetime.now(UTC)
    for pk in sorted(found):
        delay = max(0.0, (now - newest[pk].sent_at).total_seconds())
        emit(Notification.HEARD, organization=newest[pk].organization.salesforce_id, delay_seconds=delay)
    return tuple(one.raw for one in heartbeats if one.organization.pk in found)
