"""Lines and their charts, from the figures of the ticker. Two queries."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext

from passport_events.monitoring import intervals
from passport_events.monitoring.dashboard.time_ranges import TimeRange
from passport_events.monitoring.dashboard.values import Chart, Durations, FigureRow
from passport_events.monitoring.durations import compute_percentiles, merge_histograms
from passport_events.monitoring.minute_counts import FigureScope
from passport_events.monitoring.models import Figures

SHARES = (0.5, 0.95, 0.99)
Row = Mapping[str, Any]
ALL_SCOPES = FigureScope("", "")
BACKLOG_COLUMNS = {**{name: name for name in intervals.BACKLOG[:-1]}, "quarantined": "in_quarantine"}
"""Names on the dashboard, and their columns. `Figures.quarantined` counts events of an interval."""


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """The rows of one range."""

    range: TimeRange
    last_minute: int
    rows: Sequence[Row]
    points: Mapping[int, Row | None]
    """By the first minute of each point, all scopes as one row; None where nobody counted."""

    @classmethod
    def read(cls, of: TimeRange, last_minute: int, scope: FigureScope = ALL_SCOPES) -> Period:
        """All scopes, or those of one type, one organization, or both."""
        starts = of.starts(last_minute)
        wanted = Figures.objects.filter(span=of.span, start__gte=starts[0])
        rows = list(_filter_scope(wanted, scope).values())
        by_start: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            by_start[row["start"]].append(row)
        points = {start: _add_up(by_start[start]) if start in by_start else None for start in starts}
        return cls(of, last_minute, rows, points)

    def total(self) -> FigureRow:
        """All scopes together."""
        points = [point for point in self.points.values() if point is not None]
        return self._line(ALL_SCOPES, points)

    def lines(self) -> dict[FigureScope, FigureRow]:
        """Each scope by itself."""
        return {scope: self._line(scope, rows) for scope, rows in _group_by_scope(self.rows).items()}

    def charts(self) -> list[Chart]:
        """Over time."""

        def chart(
            id_: str, title: str, unit: str, labels: Sequence[str], values: Any, *, is_duration: bool = False
        ) -> Chart:
            return Chart(
                id=id_,
                title=title,
                unit=unit,
                is_duration=is_duration,
                labels=labels,
                points=[
                    (start * 60, values(point, self.range.width(start, self.last_minute)))
                    if point is not None
                    else (start * 60, [None] * len(labels))
                    for start, point in self.points.items()
                ],
            )

        percentiles = ("p50", "p95", "p99")
        per_minute, seconds = gettext("per minute"), gettext("seconds")
        flow = (gettext("received"), gettext("processed"))
        backlog = (gettext("waiting"), gettext("dead"), gettext("quarantined"))
        latency, processing = (
            _build_percentiles_getter("latency"),
            _build_percentiles_getter("processing_time"),
        )
        return [
            chart("throughput", gettext("Received and processed"), per_minute, flow, _get_rates),
            chart("backlog", gettext("Backlog"), gettext("messages"), backlog, _get_backlog),
            chart("latency", gettext("End-to-end latency"), seconds, percentiles, latency, is_duration=True),
            chart(
                "processing_time",
                gettext("Processing time"),
                seconds,
                percentiles,
                processing,
                is_duration=True,
            ),
            chart(
                "errors", gettext("Error rate"), gettext("% of attempts"), (gettext("failed"),), _get_errors
            ),
        ]

    def _line(self, scope: FigureScope, rows: Sequence[Row]) -> FigureRow:
        arrived, processed = _sum(rows, "arrived"), _count_processed(rows)
        return FigureRow(
            event_type=scope.event_type,
            organization=scope.organization,
            arrived=arrived,
            processed=processed,
            failed_attempts=_sum(rows, "failed_attempts"),
            arrived_per_minute=arrived / self.range.minutes,
            processed_per_minute=processed / self.range.minutes,
            error_rate=_compute_error_rate(rows),
            latency=Durations(*_compute_percentiles(rows, "latency")),
            processing_time=Durations(*_compute_percentiles(rows, "processing_time")),
        )


def read_backlog(scope: FigureScope = ALL_SCOPES) -> tuple[int | None, dict[FigureScope, dict[str, Any]]]:
    """Return the last minute whose backlog was counted, and the backlog of each scope in it."""
    minutes = Figures.objects.filter(span=intervals.MINUTES)
    last = minutes.filter(waiting__isnull=False).order_by("-start").values("start")[:1]
    found = minutes.filter(start=last, waiting__isnull=False)
    found = _filter_scope(found, scope)
    stock = {
        FigureScope(row["event_type"], row["organization_salesforce_id"]): {
            name: row[column] or 0 for name, column in BACKLOG_COLUMNS.items()
        }
        for row in found.values("start", "event_type", "organization_salesforce_id", *intervals.BACKLOG)
    }
    return found.aggregate(Max("start"))["start__max"], stock


def _filter_scope(rows: Any, scope: FigureScope) -> Any:
    if scope.event_type:
        rows = rows.filter(event_type=scope.event_type)
    return rows.filter(organization_salesforce_id=scope.organization) if scope.organization else rows


def _group_by_scope(rows: Iterable[Row]) -> dict[FigureScope, list[Row]]:
    found: dict[FigureScope, list[Row]] = defaultdict(list)
    for row in rows:
        found[FigureScope(row["event_type"], row["organization_salesforce_id"])].append(row)
    return found


def _sum(rows: Iterable[Row], name: str) -> int:
    return sum(row[name] or 0 for row in rows)


def _count_processed(rows: Sequence[Row]) -> int:
    return sum(_sum(rows, name) for name in ("succeeded", "superseded", "ignored"))


def _compute_error_rate(rows: Sequence[Row]) -> float | None:
    failed = _sum(rows, "failed_attempts")
    ended = failed + _sum(rows, "succeeded") + _sum(rows, "superseded")
    return failed / ended if ended else None


def _compute_percentiles(rows: Sequence[Row], name: str) -> tuple[float | None, ...]:
    return compute_percentiles(merge_histograms(row[name] for row in rows), *SHARES)


def _add_up(rows: Sequence[Row]) -> Row:
    """Several scopes at one time as one row; what stands is None where nobody looked."""
    looked = any(row["waiting"] is not None for row in rows)
    return {
        **{name: _sum(rows, name) for name in intervals.COUNTS},
        **{name: merge_histograms(row[name] for row in rows) for name in intervals.HISTOGRAMS},
        **{name: _sum(rows, name) if looked else None for name in intervals.BACKLOG},
    }


def _get_rates(point: Row, width: int) -> list[float | None]:
    return [point["arrived"] / width, _count_processed([point]) / width]


def _get_backlog(point: Row, width: int) -> list[float | None]:
    return [point[name] for name in ("waiting", "dead_letters", "in_quarantine")]


def _get_errors(point: Row, width: int) -> list[float | None]:
    rate = _compute_error_rate([point])
    return [None if rate is None else rate * 100]


def _build_percentiles_getter(name: str) -> Any:
    return lambda point, width: list(compute_percentiles(point[name], *SHARES))
