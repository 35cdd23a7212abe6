"""Ages of process heartbeats and organization heartbeats, by the database's clock."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from passport_events.clock import ClockTimestamp
from passport_events.models import Heartbeat, Mode, SalesforceOrganization

MAX_SILENCE = timedelta(seconds=30)
"""A process with an older heartbeat does not run, or cannot write. The row stays for a day."""


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessHeartbeatAge:
    """The newest heartbeat of one process."""

    age: timedelta
    without_receive: timedelta
    """Time since its last answer from SQS, or since its start."""

    @property
    def is_fresh(self) -> bool:
        """True if the process counts as running."""
        return is_fresh(self.age)


def is_fresh(age: timedelta) -> bool:
    """True if a heartbeat of this age proves that its process runs.

    A heartbeat ahead of the database's clock was written under another clock, before a failover for
    example, and proves nothing.
    """
    return abs(age) <= MAX_SILENCE


def list_process_heartbeats(kind: str) -> list[ProcessHeartbeatAge]:
    """The heartbeats of one kind, `poller` or `ingester`, without those ahead of the clock. One query."""
    rows = Heartbeat.objects.filter(kind=kind).annotate(now=ClockTimestamp())
    found = [
        ProcessHeartbeatAge(now - beaten_at, now - (received_at or started_at))
        for now, beaten_at, received_at, started_at in rows.values_list(
            "now", "beaten_at", "received_at", "started_at"
        )
    ]
    return [beat for beat in found if beat.age >= -MAX_SILENCE]


def is_running(kind: str) -> bool:
    """True if a process of this kind has a fresh heartbeat."""
    return any(beat.is_fresh for beat in list_process_heartbeats(kind))


@dataclasses.dataclass(frozen=True, slots=True)
class OrganizationSilence:
    """The time since an organization's newest heartbeat was recorded."""

    salesforce_id: str
    name: str
    span: timedelta


def list_organization_silences() -> list[OrganizationSilence]:
    """Each live or shadow organization that ever sent a heartbeat, the longest silence first. One query."""
    rows = SalesforceOrganization.objects.filter(
        mode__in=(Mode.LIVE, Mode.SHADOW), heartbeat_received_at__isnull=False
    ).annotate(now=ClockTimestamp())
    found = [
        OrganizationSilence(salesforce_id, name, now - received_at)
        for salesforce_id, name, now, received_at in rows.values_list(
            "salesforce_id", "name", "now", "heartbeat_received_at"
        )
        if received_at is not None
    ]
    return sorted(found, key=lambda silence: silence.span, reverse=True)
