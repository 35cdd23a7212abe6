"""What SQS says of its queues, once a minute, by the processes that may ask it.

SQS tells no age of a queue's oldest message; CloudWatch has one, which is not ours to ask for, and which
leaves out what was received three times. So the age is that of the oldest message that this process
received since its last sample, from `SentTimestamp`, when it received it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from passport_events import conf
from passport_events.aws_clients.queue_attributes import (
    DELAYED,
    DEPTH,
    IN_FLIGHT,
    RETENTION,
    read_queue_attributes,
)
from passport_events.clock import StatementTimestamp, convert_from_database
from passport_events.instrumentation import Notification
from passport_events.monitoring.minutes import CallLimiter, claim_minute, get_start
from passport_events.monitoring.models import QueueSample
from passport_events.operating.health_findings import QueueDepth
from passport_events.wire.raw_delivery import parse_queue_name

_limiter = CallLimiter()


class ReceivedAges:
    """The age in seconds of the oldest message of each queue, by URL, that this process received."""

    def __init__(self) -> None:
        self._ages: dict[str, float] = {}
        self._guard = threading.Lock()

    def note(self, queue_url: str, age: float) -> None:
        """One was received."""
        with self._guard:
            self._ages[queue_url] = max(age, self._ages.get(queue_url, 0.0))

    def take(self, queue_url: str) -> float | None:
        """The oldest since the last call; None where none was received."""
        with self._guard:
            return self._ages.pop(queue_url, None)


ages = ReceivedAges()


def listen(stage: Notification, facts: dict[str, Any]) -> None:
    """An observer: remember the age of what is received."""
    if stage is Notification.RECEIVED and facts.get("sent_at") is not None:
        ages.note(facts["queue"], (datetime.now(UTC) - facts["sent_at"]).total_seconds())


def tick(queue_urls: Collection[str]) -> None:
    """A chore: a sample of each of these queues, unless there is one of this minute."""
    if queue_urls and _limiter.allow():
        for url in queue_urls:
            sample(url)


def sample(queue_url: str) -> bool:
    """Ask SQS and store it, unless somebody does in this minute. Raises QueueUnavailable."""
    name = parse_queue_name(queue_url)
    minute = claim_minute(f"sample of {name}")
    if minute is None:
        return False
    settings = conf.get_settings()
    found = read_queue_attributes(settings, queue_url, (DEPTH, IN_FLIGHT, DELAYED, RETENTION))
    QueueSample.objects.create(
        queue=name,
        minute=minute,
        is_dead_letters=queue_url in settings.dead_letter_queue_urls,
        depth=found[DEPTH],
        in_flight=found[IN_FLIGHT],
        delayed=found[DELAYED],
        retention_seconds=found[RETENTION],
        oldest_seconds=ages.take(queue_url),
    )
    return True


def read_last_depth(queue: str) -> QueueDepth | None:
    """What the newest sample of a queue says; None where there is none. One query."""
    row = (
        QueueSample.objects.filter(queue=queue).annotate(now=StatementTimestamp()).order_by("-minute").first()
    )
    if row is None:
        return None
    now = convert_from_database(row.now)
    assert now is not None  # noqa: S101  # for type checkers
    return QueueDepth(row.depth + row.in_flight, max(timedelta(0), now - get_start(row.minute)))
