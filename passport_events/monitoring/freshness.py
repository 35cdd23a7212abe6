"""The newest of each event type of each organization, and when an organization's heartbeats stayed away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from passport_events import conf
from passport_events.clock import StatementTimestamp
from passport_events.models import Mode, SalesforceOrganization
from passport_events.monitoring.flows import Flow, Scope
from passport_events.monitoring.models import Freshness, Outage

TIMES = ("published_at", "arrived_at", "processed_at")


def note(flows: Mapping[Scope, Flow]) -> None:
    """Move the times on; never back, because a minute is looked at twice."""
    known = {Scope(row.event_type, row.organization_salesforce_id): row for row in Freshness.objects.all()}
    rows = []
    for scope, flow in flows.items():
        row = known.get(scope) or Freshness(
            event_type=scope.event_type, organization_salesforce_id=scope.organization
        )
        for name in TIMES:
            times = [time for time in (getattr(row, name), getattr(flow, name)) if time is not None]
            setattr(row, name, max(times, default=None))
        rows.append(row)
    Freshness.objects.bulk_create(
        [row for row in rows if row.arrived_at or row.processed_at],
        update_conflicts=True,
        unique_fields=["event_type", "organization_salesforce_id"],
        update_fields=TIMES,
    )


def note_outages() -> None:
    """Begin an outage where heartbeats stopped, and end it where they came again.

    It lasts from the sending of the last heartbeat to that of the next: what a re-read has to cover.
    """
    silent_before = StatementTimestamp() - timedelta(seconds=conf.current().heartbeat_timeout_seconds)
    silent = SalesforceOrganization.objects.filter(
        mode__in=(Mode.LIVE, Mode.SHADOW), heartbeat_received_at__lt=silent_before
    )
    open_ones = {outage.organization_id: outage for outage in Outage.objects.filter(ended_at__isnull=True)}
    for organization in silent.exclude(pk__in=open_ones):
        began_at = organization.heartbeat_sent_at or organization.created_at
        Outage.objects.get_or_create(organization=organization, began_at=began_at)
    heard = SalesforceOrganization.objects.filter(pk__in=open_ones)
    for pk, sent_at in heard.values_list("pk", "heartbeat_sent_at"):
        outage = open_ones[pk]
        if sent_at is not None and sent_at > outage.began_at:
            Outage.objects.filter(pk=outage.pk, ended_at__isnull=True).update(ended_at=sent_at)
