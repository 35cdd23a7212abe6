"""Lines and their charts, from the figures of the ticker. Two queries."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Max

from passport_events.monitoring import intervals
from passport_events.monitoring.dashboard.time_ranges import Range
from passport_events.monitoring.dashboard.values import Chart, Durations, Line
from passport_events.monitoring.durations import merged, percentiles
from passport_events.monitoring.minute_counts import Scope
from passport_events.monitoring.models import Figures

SHARES = (0.5, 0.95, 0.99)
Row = Mapping[str, Any]
NOTHING = Scope("", "")


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """The rows of one range."""

    range: Range
    last_minute: int
    rows: Sequence[Row]
    points: Mapping[int, Row | None]
    """By the first minute of each point, all scopes as one row; None where nobody counted."""

    @classmethod
    def read(cls, of: Range, last_minute: int, scope: Scope = NOTHING) -> Period:
        """All scopes, or those of one type, one organization, or both."""
        starts = of.starts(last_minute)
        wanted = Figures.objects.filter(span=of.span, start__gte=starts[0])
        rows = list(_narrowed(wanted, scope).values())
        by_start: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            by_start[row["start"]].append(row)
        points = {start: _added_up(by_start[start]) if start in by_start else None for start in starts}
        return cls(of, last_minute, rows, points)

    def total(self) -> Line:
        """All scopes together."""
        points = [point for point in self.points.values() if point is not None]
        return self._line(NOTHING, points)

    def lines(self) -> dict[Scope, Line]:
        """Each scope by itself."""
        return {scope: self._line(scope, rows) for scope, rows in _by_scope(self.rows).items()}

    def charts(self) -> list[Chart]:
        """Over time."""

        def chart(id_: str, title: str, unit: str, labels: Sequence[str], values: Any) -> Chart:
            return Chart(
                id=id_,
                title=title,
                unit=unit,
                labels=labels,
                points=[
                    (start * 60, values(point, self.range.width(start, self.last_minute)))
                    if point is not None
                    else (start * 60, [None] * len(labels))
                    for start, point in self.points.items()
                ],
            )

        return [
            chart("flow", "Arrived and processed", "a minute", ("arrived", "processed"), _rates),
            chart("stock", "What stands", "messages", ("waiting", "dead", "quarantined"), _stocks),
            chart("latency", "Published to processed", "seconds", ("p50", "p95", "p99"), _of("latency")),
            chart("handling", "Claimed to processed", "seconds", ("p50", "p95", "p99"), _of("handling")),
            chart("errors", "Failed attempts", "% of attempts", ("failed",), _errors),
        ]

    def _line(self, scope: Scope, rows: Sequence[Row]) -> Line:
        arrived, processed = _sum(rows, "arrived"), _processed(rows)
        return Line(
            event_type=scope.event_type,
            organization=scope.organization,
            arrived=arrived,
            processed=processed,
            failed_attempts=_sum(rows, "failed_attempts"),
            arrived_per_minute=arrived / self.range.minutes,
            processed_per_minute=processed / self.range.minutes,
            error_rate=_error_rate(rows),
            latency=Durations(*_percentiles(rows, "latency")),
            handling=Durations(*_percentiles(rows, "handling")),
        )


def stock_of(scope: Scope = NOTHING) -> tuple[int | None, dict[Scope, dict[str, Any]]]:
    """The last minute in which somebody looked, and what stood then."""
    minutes = Figures.objects.filter(span=intervals.MINUTES)
    last = minutes.filter(waiting__isnull=False).order_by("-start").values("start")[:1]
    found = minutes.filter(start=last, waiting__isnull=False)
    found = _narrowed(found, scope)
    stock = {
        Scope(row["event_type"], row["organization_salesforce_id"]): {
            n: row[n] or 0 for n in intervals.STOCKS
        }
        for row in found.values("start", "event_type", "organization_salesforce_id", *intervals.STOCKS)
    }
    return found.aggregate(Max("start"))["start__max"], stock


def _narrowed(rows: Any, scope: Scope) -> Any:
    if scope.event_type:
        rows = rows.filter(event_type=scope.event_type)
    return rows.filter(organization_salesforce_id=scope.organization) if scope.organization else rows


def _by_scope(rows: Iterable[Row]) -> dict[Scope, list[Row]]:
    found: dict[Scope, list[Row]] = defaultdict(list)
    for row in rows:
        found[Scope(row["event_type"], row["organization_salesforce_id"])].append(row)
    return found


def _sum(rows: Iterable[Row], name: str) -> int:
    return sum(row[name] or 0 for row in rows)


def _processed(rows: Sequence[Row]) -> int:
    return sum(_sum(rows, name) for name in ("succeeded", "superseded", "ignored"))


def _error_rate(rows: Sequence[Row]) -> float | None:
    failed = _sum(rows, "failed_attempts")
    ended = failed + _sum(rows, "succeeded") + _sum(rows, "superseded")
    return failed / ended if ended else None


def _percentiles(rows: Sequence[Row], name: str) -> tuple[float | None, ...]:
    return percentiles(merged(row[name] for row in rows), *SHARES)


def _added_up(rows: Sequence[Row]) -> Row:
    """Several scopes at one time as one row; what stands is None where nobody looked."""
    looked = any(row["waiting"] is not None for row in rows)
    return {
        **{name: _sum(rows, name) for name in intervals.COUNTS},
        **{name: merged(row[name] for row in rows) for name in intervals.HISTOGRAMS},
        **{name: _sum(rows, name) if looked else None for name in intervals.STOCKS},
    }


def _rates(point: Row, width: int) -> list[float | None]:
    return [point["arrived"] / width, _processed([point]) / width]


def _stocks(point: Row, width: int) -> list[float | None]:
    return [point[name] for name in ("waiting", "dead_letters", "in_quarantine")]


def _errors(point: Row, width: int) -> list[float | None]:
    rate = _error_rate([point])
    return [None if rate is None else rate * 100]


def _of(name: str) -> Any:
    return lambda point, width: list(percentiles(point[name], *SHARES))
