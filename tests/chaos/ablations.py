"""Taking one safeguard away, to prove that the checker would see the day on which it is missing.

Only in processes of the chaos pipeline, and only by PASSPORT_TEST_ABLATION, which nothing else reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.harness import finishing

VARIABLE = "PASSPORT_TEST_ABLATION"


def apply(name: str) -> None:
    """Take the safeguard of that name away in this process; an empty name takes none."""
    if name:
        ABLATIONS[name]()


def _without_lease_check() -> None:
    """A worker finishes its message whether its lease still holds it or not."""
    finishing.by_anybody(setattr)


def _without_unique_key() -> None:
    """Rows are inserted as they come; the runner drops the constraint."""
    from passport_events.models import Delivery, ProcessedMessage  # noqa: PLC0415
    from passport_events.receiving import queries  # noqa: PLC0415

    def insert(deliveries: Sequence[tuple[Delivery, Sequence[ProcessedMessage]]]) -> None:
        Delivery.objects.bulk_create([delivery for delivery, _ in deliveries])
        for delivery, messages in deliveries:
            for message in messages:
                message.delivery = delivery
            ProcessedMessage.objects.bulk_create(messages)

    queries.insert = insert


def _deleting_first() -> None:
    """A delivery is deleted from SQS as soon as it was received."""
    from passport_events.exceptions import QueueUnavailable  # noqa: PLC0415
    from passport_events.receiving.sqs import SqsQueue  # noqa: PLC0415
    from passport_events.wire.raw_delivery import RawDelivery  # noqa: PLC0415

    receive = SqsQueue.receive

    def receive_and_delete(self: SqsQueue, limit: int, wait_seconds: int) -> list[RawDelivery]:
        received = receive(self, limit, wait_seconds)
        try:
            if received:
                self.delete(received)
        except QueueUnavailable:
            pass
        return received

    SqsQueue.receive = receive_and_delete  # type: ignore[method-assign]


def _without_dispatcher() -> None:
    """Nobody looks for rows that are due."""
    from passport_events.dispatching import dispatcher  # noqa: PLC0415

    dispatcher.tick = dispatcher.dispatch = lambda: 0


def _with_versions_of_records_only() -> None:
    """An event that is older than the newest one of its record is skipped as a whole."""
    from passport_events.mirror import apply as applying  # noqa: PLC0415
    from passport_events.mirror.merge import Merged, Write, merge  # noqa: PLC0415
    from passport_events.mirror.state import RecordState  # noqa: PLC0415

    def skip_older(state: RecordState, write: Write) -> Merged:
        if state.newest is not None and state.newest.key > write.stamp.key:
            return Merged(state, wrote=(), lost=tuple(write.fields), is_stale=True, is_changed=False)
        return merge(state, write)

    applying.merge = skip_older  # type: ignore[attr-defined]


ABLATIONS: Mapping[str, Callable[[], None]] = {
    "lease-check": _without_lease_check,
    "unique-key": _without_unique_key,
    "delete-after-commit": _deleting_first,
    "dispatcher": _without_dispatcher,
    "merge-order": _with_versions_of_records_only,
}
"""Name -> what takes the safeguard away."""

DROPPED_CONSTRAINTS: Mapping[str, tuple[str, str]] = {
    "unique-key": ("passport_events_processedmessage", "passport_message_once")
}
"""Name -> the table and the constraint that the runner drops."""
