"""One poll: receive, store, delete what is safe, send hints."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

from passport_events import conf
from passport_events.dispatching import hints
from passport_events.exceptions import QueueUnavailable
from passport_events.instrumentation import Notification, emit
from passport_events.processes.threads import Watchdog
from passport_events.receiving.inbox import StoreResult, store
from passport_events.receiving.sqs import MAX_BATCH, MessageQueue
from passport_events.wire.raw_delivery import RawDelivery

Store = Callable[[Sequence[RawDelivery]], StoreResult]
_UNWATCHED = Watchdog()
"""Its steps mean nothing: no thread has begun one."""


@dataclasses.dataclass(frozen=True, slots=True)
class PollResult:
    """The counts of one poll, in deliveries (`received`, `safe`, `left`) and in messages."""

    received: int = 0
    new: int = 0
    duplicates: int = 0
    safe: int = 0
    """Committed and read back, even if SQS did not delete them."""
    quarantined: int = 0
    """New messages that are quarantined; included in `new`."""
    left: int = 0
    """Not deleted; SQS redelivers them."""


def poll_once(
    queue: MessageQueue, limit: int = MAX_BATCH, wait_seconds: int | None = None, store: Store = store
) -> PollResult:
    """Receive and process up to ten deliveries.

    Raises QueueUnavailable when the receive fails, and the database's errors. A failed delete is no error:
    SQS redelivers, and the messages are duplicates then.
    """
    wait = conf.get_settings().sqs_wait_seconds if wait_seconds is None else wait_seconds
    return process(queue, receive(queue, limit, wait), store)


def receive(queue: MessageQueue, limit: int, wait_seconds: int) -> list[RawDelivery]:
    """Receive up to `limit` deliveries. Raises QueueUnavailable."""
    started = time.perf_counter()
    deliveries = queue.receive(limit, wait_seconds)
    emit(
        Notification.RECEIVED,
        count=len(deliveries),
        size=sum(len(raw.body) for raw in deliveries),
        seconds=time.perf_counter() - started,
        queue=queue.url,
        sent_at=min((raw.sent_at for raw in deliveries if raw.sent_at is not None), default=None),
    )
    return deliveries


def process(
    queue: MessageQueue, deliveries: Sequence[RawDelivery], store: Store, watchdog: Watchdog = _UNWATCHED
) -> PollResult:
    """Store deliveries, delete the safe ones from the queue, and send hints for their messages.

    Raises the database's errors.
    """
    if not deliveries:
        return PollResult()
    watchdog.change_step("waiting for the writer", longer_by=math.inf)  # which is watched itself
    result = store(deliveries)
    watchdog.change_step("deleting")
    failed = _delete(queue, result.safe)
    watchdog.change_step("hinting")
    if result.due_types:
        settings = conf.get_settings()
        hints.send(sorted({settings.queue_of(name) for name in result.due_types}))
    return PollResult(
        received=len(deliveries),
        new=result.new,
        duplicates=result.duplicates,
        safe=len(result.safe),
        quarantined=result.quarantined,
        left=len(deliveries) - len(result.safe) + failed,
    )


def _delete(queue: MessageQueue, safe: Sequence[RawDelivery]) -> int:
    """Delete the safe deliveries. Returns how many SQS did not delete."""
    if not safe:
        return 0
    state, reason = "here", {}
    try:
        failed = len(queue.delete(safe))
    except QueueUnavailable as error:
        # Announced: without the right to delete, every message would end in the dead letter queue.
        failed = len(safe)
        state, reason = "away", {"reason": str(error)}
    emit(Notification.STATE_CHANGED, what=f"{queue.label} deletes", state=state, **reason)
    emit(Notification.DELETED, count=len(safe) - failed, failed=failed)
    return failed
