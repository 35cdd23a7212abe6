"""A quarter of an hour from its minutes, and an hour from its quarters: adding up, and keeping the peaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from passport_events.monitoring.durations import merge_histograms
from passport_events.monitoring.minute_counts import FigureScope
from passport_events.monitoring.models import Figures

MINUTES, QUARTERS, HOURS = 1, 15, 60

COUNTS = ("arrived", "succeeded", "superseded", "ignored", "dead", "quarantined", "failed_attempts")
HISTOGRAMS = ("latency", "processing_time")
BACKLOG = ("waiting", "due", "retries", "dead_letters", "in_quarantine")
_KEY = ["span", "start", "event_type", "organization_salesforce_id"]


def build_row(span: int, start: int, scope: FigureScope, values: Mapping[str, Any]) -> Figures:
    """One that is not saved yet."""
    return Figures(
        span=span,
        start=start,
        event_type=scope.event_type,
        organization_salesforce_id=scope.organization,
        **values,
    )


def write_rows(rows: Sequence[Figures], columns: Sequence[str]) -> None:
    """Insert, or replace these columns of what is there."""
    Figures.objects.bulk_create(
        # In one order, so that two processes never wait for each other.
        sorted(rows, key=lambda row: (row.start, row.event_type, row.organization_salesforce_id)),
        update_conflicts=True,
        unique_fields=_KEY,
        update_fields=[*columns],
        batch_size=500,
    )


def roll_up(minute: int) -> None:
    """Add up the spans that this minute lies in, again."""
    for span, parts in ((QUARTERS, MINUTES), (HOURS, QUARTERS)):
        start = minute - minute % span
        within = Figures.objects.filter(span=parts, start__gte=start, start__lt=start + span)
        by_scope: dict[FigureScope, list[Figures]] = defaultdict(list)
        for each in within:
            by_scope[FigureScope(each.event_type, each.organization_salesforce_id)].append(each)
        write_rows(
            [_sum(span, start, scope, rows) for scope, rows in by_scope.items()],
            (*COUNTS, *HISTOGRAMS, *BACKLOG),
        )


def _sum(span: int, start: int, scope: FigureScope, rows: Sequence[Figures]) -> Figures:
    counts = {name: sum(getattr(each, name) for each in rows) for name in COUNTS}
    histograms = {name: merge_histograms(getattr(each, name) for each in rows) for name in HISTOGRAMS}
    stocks = {name: _find_peak([getattr(each, name) for each in rows]) for name in BACKLOG}
    return build_row(span, start, scope, {**counts, **histograms, **stocks})


def _find_peak(values: Sequence[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
