"""What a chart can show: an hour, a day or a week, in spans of a width that a screen has room for."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from django.db import connections, router

from passport_events.clock import StatementTimestamp, convert_from_database, read_clock
from passport_events.monitoring import intervals
from passport_events.monitoring.minutes import minute_of
from passport_events.monitoring.models import Turn
from passport_events.monitoring.rollup import TURN


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """A stretch of time up to now."""

    name: str
    label: str
    minutes: int
    span: int
    """Minutes of one point: a span that there are figures for."""

    def starts(self, counted_until: int) -> range:
        """The first minute of every point; the last one holds `counted_until` and may not be whole."""
        last = counted_until - counted_until % self.span
        return range(last - self.minutes + self.span, last + self.span, self.span)

    def width(self, start: int, counted_until: int) -> int:
        """How many minutes of the point that begins there are counted."""
        return min(self.span, counted_until + 1 - start)


RANGES = {
    each.name: each
    for each in (
        Range("1h", "1 hour", 60, intervals.MINUTES),
        Range("24h", "24 hours", 24 * 60, intervals.QUARTERS),
        Range("7d", "7 days", 7 * 24 * 60, intervals.HOURS),
    )
}
DEFAULT = RANGES["1h"]


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """By the database's clock."""

    now: datetime
    counted_until: int | None
    """The last minute that is counted; None before the first."""

    @property
    def last_minute(self) -> int:
        """Where a chart ends: at the minute that should be counted by now, whether it is or not."""
        return minute_of(self.now) - 1

    def since(self, moment: datetime) -> float:
        """Seconds; none where another clock is ahead."""
        return max(0.0, (self.now - moment).total_seconds())

    def age(self, moment: datetime | None) -> float | None:
        """Seconds since then, where it is known."""
        return None if moment is None else self.since(moment)


def look() -> Moment:
    """Ask."""
    found = Turn.objects.filter(name=TURN).annotate(now=StatementTimestamp()).first()
    now = convert_from_database(found.now) if found is not None else None
    if found is None or now is None:
        return Moment(read_clock(connections[router.db_for_read(Turn)]), None)
    return Moment(now, found.minute or None)
