"""What happened in one minute, from the rows of that minute: six queries, each over an index by time."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Max, Q

from passport_events.clock import StatementTimestamp
from passport_events.models import MessageAttempt, ProcessedMessage, Status
from passport_events.monitoring.durations import build_duration_class
from passport_events.monitoring.minutes import get_bounds

COUNTED_STATUSES = (Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED, Status.DEAD, Status.QUARANTINED)
"""What software ends; `discarded` is an operator's doing."""
MEASURED_STATUSES = (Status.SUCCEEDED, Status.SUPERSEDED)
"""What counts for durations: the rest was not handled, or waited for a person."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class FigureScope:
    """One event type of one organization. Either is empty where it is not known."""

    event_type: str
    organization: str
    """Salesforce's id of it."""


@dataclasses.dataclass(slots=True)
class MinuteCounts:
    """What happened to one scope in one minute."""

    arrived: int = 0
    succeeded: int = 0
    superseded: int = 0
    ignored: int = 0
    dead: int = 0
    quarantined: int = 0
    failed_attempts: int = 0
    latency: dict[str, int] = dataclasses.field(default_factory=dict)
    processing_time: dict[str, int] = dataclasses.field(default_factory=dict)
    published_at: datetime | None = None
    """The newest that arrived, by its sender."""
    arrived_at: datetime | None = None
    processed_at: datetime | None = None


_SCOPE = ("event_type", "organization_salesforce_id")


def count_minute(minute: int) -> dict[FigureScope, MinuteCounts]:
    """Everything that was stored, ended or failed in it, by what the rows say now."""
    found: dict[FigureScope, MinuteCounts] = defaultdict(MinuteCounts)
    within = get_bounds(minute)
    _add_arrivals(found, within)
    _add_ends(found, within)
    _add_durations(found, within)
    for *scope, count in _count_failures(within):
        found[FigureScope(*scope)].failed_attempts = count
    return dict(found)


Interval = tuple[datetime, datetime]


def _add_arrivals(found: dict[FigureScope, MinuteCounts], within: Interval) -> None:
    first, end = within
    arrived = ProcessedMessage.objects.filter(
        delivery__received_at__gte=first, delivery__received_at__lt=end
    ).order_by()
    counted = arrived.values_list(*_SCOPE).annotate(
        Count("pk"), Max("delivery__received_at"), Max("delivery__published_at")
    )
    for event_type, organization, count, arrived_at, published_at in counted:
        flow = found[FigureScope(event_type, organization)]
        flow.arrived, flow.arrived_at, flow.published_at = count, arrived_at, published_at


def _add_ends(found: dict[FigureScope, MinuteCounts], within: Interval) -> None:
    first, end = within
    ended = ProcessedMessage.objects.filter(
        finished_at__gte=first, finished_at__lt=end, status__in=COUNTED_STATUSES
    ).order_by()
    counted = ended.values_list(*_SCOPE, "status").annotate(Count("pk"), Max("finished_at"))
    for event_type, organization, status, count, finished_at in counted:
        flow = found[FigureScope(event_type, organization)]
        setattr(flow, status, count)
        if status in MEASURED_STATUSES:
            flow.processed_at = max(filter(None, (flow.processed_at, finished_at)))


def _add_durations(found: dict[FigureScope, MinuteCounts], within: Interval) -> None:
    first, end = within
    processed = ProcessedMessage.objects.filter(
        finished_at__gte=first,
        finished_at__lt=end,
        status__in=MEASURED_STATUSES,
        generation=0,  # a replay begins long after its event was published
    ).order_by()
    for name, start in (("latency", "delivery__published_at"), ("processing_time", "claimed_at")):
        classed = processed.filter(**{f"{start}__isnull": False}).annotate(
            duration=build_duration_class("finished_at", start)
        )
        for *scope, number, count in classed.values_list(*_SCOPE, "duration").annotate(Count("pk")):
            getattr(found[FigureScope(*scope)], name)[str(number)] = count


def _count_failures(within: Interval) -> Iterable[tuple[str, str, int]]:
    first, end = within
    failed = MessageAttempt.objects.filter(ended_at__gte=first, ended_at__lt=end).order_by()
    return failed.values_list(*(f"message__{name}" for name in _SCOPE)).annotate(Count("pk"))


@dataclasses.dataclass(slots=True)
class BacklogCounts:
    """One scope."""

    waiting: int = 0
    """Unfinished, those in a worker's hands included."""
    due: int = 0
    """Of these: waiting, and might be claimed now."""
    retries: int = 0
    """Of these: waiting for another attempt, due or not."""
    dead_letters: int = 0
    in_quarantine: int = 0


def count_backlog() -> dict[FigureScope, BacklogCounts]:
    """Every scope that has any."""
    found: dict[FigureScope, BacklogCounts] = defaultdict(BacklogCounts)
    scope = ("event_type", "organization_salesforce_id")
    waits = Q(status=Status.WAITING)
    unfinished = ProcessedMessage.objects.filter(due_at__isnull=False).order_by()
    for event_type, organization, waiting, due, retries in unfinished.values_list(*scope).annotate(
        live=Count("pk"),
        due=Count("pk", filter=waits & Q(due_at__lte=StatementTimestamp())),
        retries=Count("pk", filter=waits & Q(attempts__gt=0)),
    ):
        found[FigureScope(event_type, organization)] = BacklogCounts(waiting, due, retries)
    failed = ProcessedMessage.objects.filter(status__in=(Status.DEAD, Status.QUARANTINED)).order_by()
    for event_type, organization, dead, quarantined in failed.values_list(*scope).annotate(
        dead=Count("pk", filter=Q(status=Status.DEAD)),
        quarantined=Count("pk", filter=Q(status=Status.QUARANTINED)),
    ):
        stock = found[FigureScope(event_type, organization)]
        stock.dead_letters, stock.in_quarantine = dead, quarantined
    return dict(found)
