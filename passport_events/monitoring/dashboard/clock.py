"""What time it is, and up to when minutes are counted: one query, two before the first minute."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from django.db import connections, router

from passport_events.clock import StatementTimestamp, convert_from_database, read_clock
from passport_events.monitoring.minutes import minute_of
from passport_events.monitoring.models import Turn
from passport_events.monitoring.rollup import TURN


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
