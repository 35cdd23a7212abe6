"""What SQS says of its queues, once a minute, by the processes that may ask it.

SQS tells no age of a queue's oldest message; CloudWatch has one, which is not ours to ask for, and which
leaves out what was received three times. So the age is that of the oldest message that this process
received since its last sample, from `SentTimestamp`, when it received it.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from passport_events import conf
from passport_events.clock import StatementTimestamp, from_database
from passport_events.exceptions import QueueUnavailable
from passport_events.monitoring.minutes import take, time_of
from passport_events.monitoring.models import QueueSample
from passport_events.monitoring.pace import Pace
from passport_events.operating.dead_letter_queues import Depth
from passport_events.receiving.received import queue_name
from passport_events.stages import Stage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DEPTH: Final = "ApproximateNumberOfMessages"
IN_FLIGHT: Final = "ApproximateNumberOfMessagesNotVisible"
DELAYED: Final = "ApproximateNumberOfMessagesDelayed"
RETENTION: Final = "MessageRetentionPeriod"

_pace = Pace()


class Ages:
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


ages = Ages()


def listen(stage: Stage, facts: dict[str, Any]) -> None:
    """An observer: remember the age of what is received."""
    if stage is Stage.RECEIVED and facts.get("sent_at") is not None:
        ages.note(facts["queue"], (datetime.now(UTC) - facts["sent_at"]).total_seconds())


def tick(queue_urls: Collection[str]) -> None:
    """A chore: a sample of each of these queues, unless there is one of this minute."""
    if queue_urls and _pace.allows():
        for url in queue_urls:
            sample(url)


def sample(queue_url: str) -> bool:
    """Ask SQS and store it, unless somebody does in this minute. Raises QueueUnavailable."""
    name = queue_name(queue_url)
    minute = take(f"sample of {name}")
    if minute is None:
        return False
    settings = conf.current()
    found = _attributes(settings, queue_url)
    QueueSample.objects.create(
        queue=name,
        minute=minute,
        is_dead_letters=queue_url in settings.dead_letter_queue_urls,
        depth=int(found[DEPTH]),
        in_flight=int(found[IN_FLIGHT]),
        delayed=int(found[DELAYED]),
        retention_seconds=int(found[RETENTION]),
        oldest_seconds=ages.take(queue_url),
    )
    return True


def last_depth(queue: str) -> Depth | None:
    """What the newest sample of a queue says; None where there is none. One query."""
    row = (
        QueueSample.objects.filter(queue=queue).annotate(now=StatementTimestamp()).order_by("-minute").first()
    )
    if row is None:
        return None
    now = from_database(row.now)
    assert now is not None  # noqa: S101  # for type checkers
    return Depth(row.depth + row.in_flight, max(timedelta(0), now - time_of(row.minute)))


def _attributes(settings: conf.Settings, queue_url: str) -> dict[Any, str]:
    # Not above: boto3 is large, and few processes ask AWS anything.
    from passport_events.receiving.aws import (  # noqa: PLC0415
        AWS_ERRORS,
        READ_MARGIN_SECONDS,
        client,
        kind_of,
    )

    of_queue = dataclasses.replace(settings, queue_url=queue_url)
    sqs: SQSClient = client(of_queue, "sqs", READ_MARGIN_SECONDS)
    try:
        found = sqs.get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=[DEPTH, IN_FLIGHT, DELAYED, RETENTION]
        )
        return dict(found["Attributes"])
    except AWS_ERRORS as error:
        raise QueueUnavailable(f"SQS did not answer GetQueueAttributes: {kind_of(error)}") from error
