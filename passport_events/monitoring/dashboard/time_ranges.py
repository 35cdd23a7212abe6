"""What a chart can show: an hour, a day or a week, in spans of a width that a screen has room for."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from django.db import connections, router
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from passport_events.clock import StatementTimestamp, convert_from_database, read_clock
from passport_events.monitoring import intervals
from passport_events.monitoring.minutes import compute_minute
from passport_events.monitoring.models import MinuteClaim
from passport_events.monitoring.rollup import FIGURES_CLAIM


@dataclasses.dataclass(frozen=True, slots=True)
class TimeRange:
    """A stretch of time up to now."""

    name: str
    label: Promise | str
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
        TimeRange("1h", gettext_lazy("1 hour"), 60, intervals.MINUTES),
        TimeRange("24h", gettext_lazy("24 hours"), 24 * 60, intervals.QUARTERS),
        TimeRange("7d", gettext_lazy("7 days"), 7 * 24 * 60, intervals.HOURS),
    )
}
DEFAULT_RANGE = RANGES["1h"]


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """By the database's clock."""

    now: datetime
    counted_until: int | None
    """The last minute that is counted; None before the first."""

    @property
    def last_minute(self) -> int:
        """Where a chart ends: at the minute that should be counted by now, whether it is or not."""
        return compute_minute(self.now) - 1

    def get_age(self, moment: datetime) -> float:
        """Seconds; none where another clock is ahead."""
        return max(0.0, (self.now - moment).total_seconds())

    def age(self, moment: datetime | None) -> float | None:
        """Seconds since then, where it is known."""
        return None if moment is None else self.get_age(moment)


def read_moment() -> Moment:
    """Ask."""
    found = MinuteClaim.objects.filter(name=FIGURES_CLAIM).annotate(now=StatementTimestamp()).first()
    now = convert_from_database(found.now) if found is not None else None
    if found is None or now is None:
        return Moment(read_clock(connections[router.db_for_read(MinuteClaim)]), None)
    return Moment(now, found.minute or None)
