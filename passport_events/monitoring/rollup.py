"""Minute by minute, what the rows say goes into tables of its own, so that no page counts rows.

What happened can be counted later, too, and is after a stop. Each minute is one transaction that also
moves the turn on: whoever dies in it has done nothing, and the next one begins with the same minute. It
is counted when it is over, and again two minutes later, for transactions that ended late.

What stands can only be counted now; where nobody did, nobody knows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import timedelta

from django.db import router, transaction

from passport_events import conf
from passport_events.clock import StatementTimestamp
from passport_events.models import Mode, SalesforceOrganization
from passport_events.monitoring import intervals
from passport_events.monitoring.minute_counts import (
    BacklogCounts,
    FigureScope,
    MinuteCounts,
    count_backlog,
    count_minute,
)
from passport_events.monitoring.minutes import CallLimiter, claim_minute, compute_minute, read_claim
from passport_events.monitoring.models import Figures, Freshness, MinuteClaim, Outage, QueueSample

FIGURES_CLAIM = "figures"
BACKLOG_CLAIM = "stock"
RECOUNT_AFTER_MINUTES = 2
"""Minutes after which one is counted again."""
MAX_MINUTES_BEFORE_INSTALL = 60
"""Minutes before the first run that are counted, from rows that were there before this app."""
MAX_CATCH_UP_MINUTES = 24 * 60
"""After a longer stop of everything the minutes before it have no figures."""
MAX_MINUTES_PER_RUN = 5
"""Minutes of one run, so that whoever runs it on the side is not held up for long."""
KEEP_MINUTES, KEEP_LONGER_INTERVALS = 2 * 24 * 60, 8 * 24 * 60

_limiter = CallLimiter()


def tick(queue_urls: Collection[str] = ()) -> None:
    """A chore: count what stands, and what is over and not counted yet."""
    if not _limiter.allow():
        return
    record_backlog()
    if count_minutes() == MAX_MINUTES_PER_RUN:
        _limiter.reset()


def record_backlog() -> bool:
    """Count what stands, unless somebody does in this minute: as the end of the minute before."""
    minute = claim_minute(BACKLOG_CLAIM)
    if minute is None:
        return False
    found = {FigureScope("", ""): BacklogCounts()} | count_backlog()
    intervals.write_rows(
        [
            intervals.build_row(intervals.MINUTES, minute - 1, scope, dataclasses.asdict(it))
            for scope, it in found.items()
        ],
        intervals.BACKLOG,
    )
    update_outages()
    _delete_old(minute)
    return True


def count_minutes(steps: int = MAX_MINUTES_PER_RUN) -> int:
    """Count up to so many minutes; returns how many there were."""
    for done in range(steps):
        if not _count_next_minute():
            return done
    return steps


def _count_next_minute() -> bool:
    now, turn = read_claim(FIGURES_CLAIM)
    last_over = compute_minute(now) - 1
    if turn.minute >= last_over:
        return False
    with transaction.atomic(using=router.db_for_write(MinuteClaim)):
        # Somebody else is at it: let them.
        mine = (
            MinuteClaim.objects.select_for_update(skip_locked=True)
            .filter(name=FIGURES_CLAIM, minute=turn.minute)
            .first()
        )
        if mine is None:
            return False
        oldest = last_over - (MAX_CATCH_UP_MINUTES if turn.minute else MAX_MINUTES_BEFORE_INSTALL)
        minute = max(turn.minute, oldest) + 1
        _count(minute)
        MinuteClaim.objects.filter(pk=mine.pk).update(minute=minute)
    return True


def _count(minute: int) -> None:
    for each in (minute - RECOUNT_AFTER_MINUTES, minute):
        # Also where nothing happened: a minute without any row is one that nobody counted.
        flows = {FigureScope("", ""): MinuteCounts()} | count_minute(each)
        columns = (*intervals.COUNTS, *intervals.HISTOGRAMS)
        rows = [
            intervals.build_row(
                intervals.MINUTES, each, scope, {name: getattr(flow, name) for name in columns}
            )
            for scope, flow in flows.items()
        ]
        intervals.write_rows(rows, columns)
        update_freshness(flows)
    for each in sorted(
        {(minute - RECOUNT_AFTER_MINUTES) // intervals.QUARTERS, minute // intervals.QUARTERS}
    ):
        intervals.roll_up(each * intervals.QUARTERS)


def _delete_old(minute: int) -> None:
    """What is old enough, which after every minute is little."""
    Figures.objects.filter(span=intervals.MINUTES, start__lt=minute - KEEP_MINUTES).delete()
    Figures.objects.filter(
        span__in=(intervals.QUARTERS, intervals.HOURS), start__lt=minute - KEEP_LONGER_INTERVALS
    ).delete()
    QueueSample.objects.filter(minute__lt=minute - KEEP_LONGER_INTERVALS).delete()


TIMES = ("published_at", "arrived_at", "processed_at")


def update_freshness(flows: Mapping[FigureScope, MinuteCounts]) -> None:
    """Move the times on; never back, because a minute is looked at twice."""
    known = {
        FigureScope(row.event_type, row.organization_salesforce_id): row for row in Freshness.objects.all()
    }
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


def update_outages() -> None:
    """Begin an outage where heartbeats stopped, and end it where they came again.

    It lasts from the sending of the last heartbeat to that of the next: what a re-read has to cover.
    """
    silent_before = StatementTimestamp() - timedelta(seconds=conf.get_settings().heartbeat_timeout_seconds)
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
