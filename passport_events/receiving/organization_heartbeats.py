"""Recording organization heartbeats: two columns of the organization, and no row of their own.

21,600 a day would say nothing new. What they are for is the time since the last one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from passport_events.instrumentation import Notification, emit
from passport_events.models import SalesforceOrganization
from passport_events.receiving import queries
from passport_events.receiving.organization_cache import KnownOrganization
from passport_events.wire import ParsedDelivery
from passport_events.wire.raw_delivery import RawDelivery


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """A heartbeat of an organization that is known, and the delivery that brought it."""

    received: RawDelivery
    organization: KnownOrganization
    sent_at: datetime


def heard_in(
    received: Sequence[RawDelivery],
    readings: Sequence[ParsedDelivery],
    known: Mapping[str, KnownOrganization],
) -> list[Heard]:
    """The heartbeats of a batch. Those of unknown organizations become rows, like everything unknown."""
    return [
        Heard(each, known[reading.heartbeat.organization], reading.heartbeat.sent_at)
        for each, reading in zip(received, readings, strict=True)
        if reading.heartbeat is not None and reading.heartbeat.organization in known
    ]


def record(heard: Sequence[Heard]) -> tuple[RawDelivery, ...]:
    """Record the newest of each organization, in one statement for all; none where there is none.

    Returns the deliveries that may be deleted: the update is committed, and found their organization.
    Raises the database's errors.
    """
    if not heard:
        return ()
    newest: dict[int, Heard] = {}
    for each in sorted(heard, key=lambda one: one.sent_at):
        newest[each.organization.pk] = each
    found = set(newest)
    if queries.record_heartbeats({pk: each.sent_at for pk, each in newest.items()}) < len(newest):
        # One was deleted since it was cached. Its heartbeats come again, when it is unknown here too.
        rows = SalesforceOrganization.objects.filter(pk__in=list(newest))
        found = set(rows.values_list("pk", flat=True))
    now = datetime.now(UTC)
    for pk in sorted(found):
        delay = max(0.0, (now - newest[pk].sent_at).total_seconds())
        emit(Notification.HEARD, organization=newest[pk].organization.salesforce_id, delay_seconds=delay)
    return tuple(each.received for each in heard if each.organization.pk in found)
