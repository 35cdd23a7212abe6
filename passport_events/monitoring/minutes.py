"""Whole minutes since 1970 in UTC: plain numbers, which a project's time zone cannot move."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from passport_events.clock import StatementTimestamp, convert_from_database, convert_to_database
from passport_events.monitoring.models import MinuteClaim

MINUTE = timedelta(minutes=1)


def compute_minute(moment: datetime) -> int:
    """The minute in which an aware datetime lies."""
    return int(moment.timestamp() // 60)


def get_start(minute: int) -> datetime:
    """The moment at which it begins, in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)


def get_bounds(minute: int, count: int = 1) -> tuple[datetime, datetime]:
    """Where it begins, and where the last of `count` minutes ends, as this project's database stores it."""
    first, end = convert_to_database(get_start(minute)), convert_to_database(get_start(minute + count))
    assert first is not None  # noqa: S101  # only beyond the calendar's ends
    assert end is not None  # noqa: S101
    return first, end


def read_claim(name: str) -> tuple[datetime, MinuteClaim]:
    """The database's clock, and the turn of that name, which begins at the minute 0."""
    rows = MinuteClaim.objects.filter(name=name).annotate(now=StatementTimestamp())
    found = rows.first()
    if found is None:
        MinuteClaim.objects.get_or_create(name=name)
        found = rows.get()
    now = convert_from_database(found.now)
    assert now is not None  # noqa: S101  # for type checkers
    return now, found


def claim_minute(name: str) -> int | None:
    """The current minute, if nobody has taken it under this name yet. Of several who ask, one gets it."""
    now, turn = read_claim(name)
    minute = compute_minute(now)
    if turn.minute >= minute:
        return None
    return minute if MinuteClaim.objects.filter(name=name, minute__lt=minute).update(minute=minute) else None


MIN_INTERVAL_SECONDS = 5.0


class CallLimiter:
    """Lets one call through every few seconds; whether it is time for all processes, the database knows."""

    def __init__(self) -> None:
        self._not_before = 0.0
        self._guard = threading.Lock()

    def allow(self) -> bool:
        """Whether the last one that was let through is long enough ago."""
        with self._guard:
            now = time.monotonic()
            if now < self._not_before:
                return False
            self._not_before = now + MIN_INTERVAL_SECONDS
            return True

    def reset(self) -> None:
        """Let the next call through."""
        self._not_before = 0.0
