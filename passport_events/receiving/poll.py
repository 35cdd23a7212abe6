"""One poll: receive, store, delete, hint. And the rule when a delivery may be deleted."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from datetime import datetime

from passport_events import conf
from passport_events.dispatching import hints
from passport_events.exceptions import QueueUnavailable
from passport_events.instrumentation import Notification, emit
from passport_events.receiving.inbox import StoreResult, store
from passport_events.receiving.poll_steps import Store
from passport_events.receiving.sqs import BATCH, MessageQueue
from passport_events.wire.raw_delivery import RawDelivery


@dataclasses.dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll did."""

    received: int = 0
    new: int = 0
    duplicates: int = 0
    safe: int = 0
    """Deliveries that are committed, whether or not SQS took the delete."""
    quarantined: int = 0
    """Those of the new ones that wait for a person."""
    left: int = 0
    """Deliveries that were not deleted; SQS hands them out again."""


def poll_once(
    queue: MessageQueue, limit: int = BATCH, wait_seconds: int | None = None, store: Store = store
) -> PollResult:
    """Receive up to ten deliveries and see them through; `store` is what stores them.

    Raises QueueUnavailable when SQS cannot be asked for messages, and the database's errors. A
    delete that fails is no error: the deliveries come again, and are known then.
    """
    settings = conf.current()
    started = time.perf_counter()
    received = queue.receive(limit, settings.sqs_wait_seconds if wait_seconds is None else wait_seconds)
    seconds = time.perf_counter() - started
    size = sum(len(each.body) for each in received)
    known = {"queue": queue.url, "sent_at": _oldest(received)}
    emit(Notification.RECEIVED, count=len(received), size=size, seconds=seconds, **known)
    if not received:
        return PollResult()
    stored = store(received)
    failed = _delete(queue, stored)
    queues = {settings.queue_of(name) for name in stored.due_types}
    if queues:
        hints.send(sorted(queues))
    left = len(received) - len(stored.safe) + failed
    return PollResult(
        len(received), stored.new, stored.duplicates, len(stored.safe), stored.quarantined, left
    )


def _oldest(received: Sequence[RawDelivery]) -> datetime | None:
    """When SQS took the oldest of them; None where there is none, or SQS did not say."""
    return min((each.sent_at for each in received if each.sent_at is not None), default=None)


def _delete(queue: MessageQueue, stored: StoreResult) -> int:
    """Delete what is committed and was found again, and nothing else. Returns how many stayed."""
    if not stored.safe:
        return 0
    try:
        failed = len(queue.delete(stored.safe))
    except QueueUnavailable as error:
        # Said aloud: without the right to delete, everything would end in the dead letter queue.
        failed = len(stored.safe)
        emit(Notification.STATE_CHANGED, what=f"{queue.label} deletes", state="away", reason=str(error))
    else:
        emit(Notification.STATE_CHANGED, what=f"{queue.label} deletes", state="here")
    emit(Notification.DELETED, count=len(stored.safe) - failed, failed=failed)
    return failed
