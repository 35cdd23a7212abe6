"""How fresh what we have is, and the windows in which it may lack something. Three queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Case, When

from passport_events.clock import convert_from_database
from passport_events.models import Mode, SalesforceOrganization
from passport_events.monitoring.dashboard.time_ranges import Moment
from passport_events.monitoring.dashboard.values import FreshnessRow, OutageRow
from passport_events.monitoring.models import Freshness, Outage
from passport_events.operating.text import format_line

MAX_OUTAGES = 50

Organizations = Mapping[str, SalesforceOrganization]
"""By Salesforce's id."""


def read_organizations() -> Organizations:
    """All that are known."""
    return {each.salesforce_id: each for each in SalesforceOrganization.objects.all()}


def get_name(salesforce_id: str, known: Organizations) -> str:
    """For people; empty where it is not known."""
    return format_line(known[salesforce_id].name) if salesforce_id in known else ""


def read_freshness(moment: Moment, known: Organizations, windows: Sequence[OutageRow]) -> list[FreshnessRow]:
    """Of each event type of each organization, the longest without an arrival first."""
    silent = {window.organization: window.began_at for window in windows if window.ended_at is None}
    found = []
    for row in Freshness.objects.all():
        organization = known.get(row.organization_salesforce_id)
        heartbeat_at = convert_from_database(organization.heartbeat_received_at) if organization else None
        arrived_at = convert_from_database(row.arrived_at)
        fresh = FreshnessRow(
            event_type=row.event_type,
            organization=row.organization_salesforce_id,
            organization_name=get_name(row.organization_salesforce_id, known),
            published_at=convert_from_database(row.published_at),
            arrived_at=arrived_at,
            arrived_age=moment.age(arrived_at),
            processed_at=convert_from_database(row.processed_at),
            heartbeat_at=heartbeat_at,
            heartbeat_age=moment.age(heartbeat_at),
            silent_since=silent.get(row.organization_salesforce_id),
        )
        found.append(fresh)
    return sorted(found, key=lambda fresh: -(fresh.arrived_age or 0))


def read_outages(moment: Moment) -> list[OutageRow]:
    """The newest, those that have not ended first."""
    found = []
    is_over = Case(When(ended_at__isnull=True, then=0), default=1)
    rows = Outage.objects.select_related("organization").order_by(is_over, "-began_at")[:MAX_OUTAGES]
    for row in rows:
        began_at, ended_at = convert_from_database(row.began_at), convert_from_database(row.ended_at)
        assert began_at is not None  # noqa: S101  # for type checkers
        window = OutageRow(
            organization=row.organization.salesforce_id,
            organization_name=format_line(row.organization.name),
            began_at=began_at,
            ended_at=ended_at,
            lasted=((ended_at or moment.now) - began_at).total_seconds(),
            is_off=row.organization.mode == Mode.OFF,
        )
        found.append(window)
    return found
