"""How long Salesforce has been silent, organization by organization, by the database's clock."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from passport_events.clock import ClockTimestamp
from passport_events.models import Mode, SalesforceOrganization


@dataclasses.dataclass(frozen=True, slots=True)
class Silence:
    """The time since an organization's newest heartbeat was recorded."""

    salesforce_id: str
    name: str
    span: timedelta


def silences() -> list[Silence]:
    """Of each organization in use that has sent a heartbeat before, the longest first. One query.

    One that never sent any may have nothing scheduled; one that is off is nobody's concern.
    """
    rows = SalesforceOrganization.objects.filter(
        mode__in=(Mode.LIVE, Mode.SHADOW), heartbeat_received_at__isnull=False
    ).annotate(now=ClockTimestamp())
    found = [
        Silence(salesforce_id, name, now - received_at)
        for salesforce_id, name, now, received_at in rows.values_list(
            "salesforce_id", "name", "now", "heartbeat_received_at"
        )
        if received_at is not None
    ]
    return sorted(found, key=lambda silence: silence.span, reverse=True)
