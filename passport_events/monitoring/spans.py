"""A quarter of an hour from its minutes, and an hour from its quarters: adding up, and keeping the peaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from passport_events.monitoring.flows import Scope
from passport_events.monitoring.histogram import merged
from passport_events.monitoring.models import Figures

MINUTES, QUARTERS, HOURS = 1, 15, 60

COUNTS = ("arrived", "succeeded", "superseded", "ignored", "dead", "quarantined", "failed_attempts")
HISTOGRAMS = ("latency", "handling")
STOCKS = ("waiting", "due", "retries", "dead_letters", "in_quarantine")
_KEY = ["span", "start", "event_type", "organization_salesforce_id"]


def write(rows: Sequence[Figures], columns: Sequence[str]) -> None:
    """Insert, or replace these columns of what is there. All of one statement, whatever it meets."""
    Figures.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=_KEY, update_fields=[*columns], batch_size=500
    )


def lengthen(minute: int) -> None:
    """Add up the spans that this minute lies in, again."""
    for span, parts in ((QUARTERS, MINUTES), (HOURS, QUARTERS)):
        start = minute - minute % span
        within = Figures.objects.filter(span=parts, start__gte=start, start__lt=start + span)
        by_scope: dict[Scope, list[Figures]] = defaultdict(list)
        for row in within:
            by_scope[Scope(row.event_type, row.organization_salesforce_id)].append(row)
        write(
            [_sum(span, start, scope, rows) for scope, rows in by_scope.items()],
            (*COUNTS, *HISTOGRAMS, *STOCKS),
        )


def _sum(span: int, start: int, scope: Scope, rows: Sequence[Figures]) -> Figures:
    return Figures(
        span=span,
        start=start,
        event_type=scope.event_type,
        organization_salesforce_id=scope.organization,
        **{name: sum(getattr(row, name) for row in rows) for name in COUNTS},
        **{name: merged(getattr(row, name) for row in rows) for name in HISTOGRAMS},
        **{name: _peak([getattr(row, name) for row in rows]) for name in STOCKS},
    )


def _peak(values: Sequence[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
