"""What a chart can show: an hour, a day or a week, in spans of a width that a screen has room for."""

from __future__ import annotations

import dataclasses

from passport_events.monitoring import spans


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
        Range("1h", "1 hour", 60, spans.MINUTES),
        Range("24h", "24 hours", 24 * 60, spans.QUARTERS),
        Range("7d", "7 days", 7 * 24 * 60, spans.HOURS),
    )
}
DEFAULT = RANGES["1h"]
