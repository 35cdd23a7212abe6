"""Bugs to plant: each takes away one thing that a promise stands on, at the smallest seam of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import strategies as st

from passport_events.dispatching import dispatcher, hints
from passport_events.event import Identity
from passport_events.exceptions import LeaseLost
from passport_events.handling import attempt, batch_transaction, execute, retry
from passport_events.handling.batch import finish_batch
from passport_events.handling.locks import RecordKey, RecordLocks
from passport_events.mirror import merge as merging
from passport_events.mirror.state import Cell
from passport_events.models import (
    ActionKind,
    Delivery,
    OperatorAction,
    ProcessedMessage,
    SalesforceRecord,
    Status,
)
from passport_events.models.querysets import MessageQuerySet
from passport_events.receiving import inbox, poll, queries
from passport_events.receiving.inbox import StoreResult
from passport_events.receiving.sqs import MAX_BATCH, MessageQueue
from passport_events.wire.parser import ParsedDelivery
from passport_events.wire.raw_delivery import RawDelivery
from tests.harness import finishing
from tests.model.choices import OVERTAKING, Focus, creations
from tests.model.plans import Dies, Overtaken, Plan
from tests.operating.inbox import operate

Plant = Callable[[pytest.MonkeyPatch], None]
SMOOTHLY = st.just(0).map(Plan)
OVERTAKEN = st.builds(Overtaken, st.integers(0, 12), st.just("poller"))


@dataclasses.dataclass(frozen=True, slots=True)
class Bug:
    """How to plant it, how the complaint about it begins, and what it takes to find it."""

    plant: Plant
    complaint: str
    focus: Focus


BUGS: dict[str, Bug] = {}


def complaint(
    text: str,
    *rules: str,
    calls: Sequence[str] = (),
    plans: st.SearchStrategy[Plan] = SMOOTHLY,
    shares: bool = False,
) -> Callable[[Plant], Plant]:
    """Register a bug that is named after what is believed instead."""

    def register(plant: Plant) -> Plant:
        focus = Focus(rules, creations(*calls), plans, st.just(shares), OVERTAKING)
        BUGS[plant.__name__] = Bug(plant, text, focus)
        return plant

    return register


@complaint("I3", "stand_still")
def a_lost_lease_still_finishes(patch: pytest.MonkeyPatch) -> None:
    """Whoever was given a row may finish it."""
    finishing.by_anybody(patch.setattr)


@complaint("I1", "poll", plans=st.builds(Dies, st.integers(2, 12)))
def sqs_deletes_come_first(patch: pytest.MonkeyPatch) -> None:
    """What was received is safe."""
    queues: list[MessageQueue] = []
    true_poll, true_store = poll.poll_once, inbox.store

    def store(received: Sequence[RawDelivery]) -> StoreResult:
        queues[-1].delete(received)
        return true_store(received)

    def delete_and_poll(queue: MessageQueue, limit: int = MAX_BATCH) -> Any:
        queues.append(queue)
        return true_poll(queue, limit, store=store)

    patch.setattr("tests.model.world.poll_once", delete_and_poll)


@complaint("I2", "poll", "other_traffic")
def the_sqs_id_is_the_identity(patch: pytest.MonkeyPatch) -> None:
    """SQS never gives a message another id."""
    true_read = inbox.parse_safely

    def read(received: RawDelivery, *arguments: Any) -> ParsedDelivery:
        reading = true_read(received, *arguments)
        events = tuple(
            dataclasses.replace(event, identity=Identity.of("sqs", received.message_id, event.record_id))
            for event in reading.events
        )
        return dataclasses.replace(reading, events=events)

    patch.setattr(inbox, "parse_safely", read)


@complaint("duplicate key", "poll", "other_traffic", plans=OVERTAKEN)
def no_other_poller_inserts_at_this_moment(patch: pytest.MonkeyPatch) -> None:
    """What was not there when we looked is not there now."""

    def insert(deliveries: Sequence[tuple[Delivery, Sequence[ProcessedMessage]]]) -> None:
        with transaction.atomic():
            for delivery, messages in deliveries:
                delivery.save()
                for message in messages:
                    message.delivery = delivery
                    message.save(force_insert=True)

    patch.setattr(queries, "insert", insert)
    patch.setattr(inbox, "DATA_ERRORS", ())


@complaint("I7", "work", "operate", calls=["reject"])
def a_retry_leaves_no_trace(patch: pytest.MonkeyPatch) -> None:
    """The audit log need not count what a retry changes."""

    def operate_and_forget(*arguments: Any) -> None:
        operate(*arguments)
        OperatorAction.objects.filter(kind=ActionKind.RETRY).update(affected=0)

    patch.setattr("tests.model.operator.operate", operate_and_forget)


@complaint("I5", "work", calls=["fail"])
def a_row_that_waits_loses_its_time(patch: pytest.MonkeyPatch) -> None:
    """Somebody will look at it some day."""
    true_wait = MessageQuerySet.wait

    def wait(self: Any, lease_token: UUID, delay: timedelta, **also: Any) -> int:
        return true_wait(self, lease_token, timedelta(days=36_500), **also)

    patch.setattr(MessageQuerySet, "wait", wait)


@complaint("stuck", "claim")
def the_dead_are_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    """A worker that has a row will finish it."""
    true_due = MessageQuerySet.due
    patch.setattr(MessageQuerySet, "due", lambda self: true_due(self).filter(status=Status.WAITING))


@complaint("I4: another transaction", "work")
def nobody_else_has_the_record(patch: pytest.MonkeyPatch) -> None:
    """The Redis lock keeps others away."""

    def read(message: ProcessedMessage) -> SalesforceRecord:
        return SalesforceRecord.objects.get(organization=message.organization_id, record_id=message.record_id)

    patch.setattr(execute, "lock_record", read)


@complaint("I4: two leases", "claim")
def whoever_asks_gets_the_lock(patch: pytest.MonkeyPatch) -> None:
    """There are enough records for everybody."""

    def acquire(self: RecordLocks, records: Sequence[RecordKey], *holder: Any) -> set[RecordKey]:
        return set(records)

    patch.setattr(RecordLocks, "acquire", acquire)


@complaint("I6", calls=["fail"] * 5)
def one_more_try_cannot_hurt(patch: pytest.MonkeyPatch) -> None:
    """It will work some day."""
    true_decide = retry.decide

    def decide(error: BaseException, failures: int, *arguments: Any) -> retry.Outcome:
        return true_decide(error, 1, *arguments)

    patch.setattr(attempt, "decide", decide)


@complaint("I8")
def more_hints_are_better(patch: pytest.MonkeyPatch) -> None:
    """One for each row cannot be wrong."""

    def send(queue_names: Collection[str]) -> int:
        for name in queue_names:
            for _ in range(4):
                hints._enqueue(name)
        return len(queue_names)

    patch.setattr(hints, "send", send)


@complaint(r"Seen\(", "work")
def what_comes_last_is_newest(patch: pytest.MonkeyPatch) -> None:
    """Events come in the order in which they happened."""

    def newer(old: Cell | None, new: Cell) -> Cell:
        return new

    patch.setattr(merging, "_choose_newer", newer)


@complaint("I3|effects", "stand_still")
def effects_commit_before_the_message_does(patch: pytest.MonkeyPatch) -> None:
    """A handler that returned has handled its event; what follows is bookkeeping."""

    def must_hold(self: attempt.Attempt, changed: int) -> None:
        """Not."""

    patch.setattr(attempt.Attempt, "_require_lease", must_hold)


@complaint("I3|effects", "stand_still", shares=True)
def shared_effects_commit_before_their_messages_do(patch: pytest.MonkeyPatch) -> None:
    """The same of handlers that share a transaction."""

    def finish(*arguments: Any) -> None:
        with suppress(LeaseLost):
            finish_batch(*arguments)

    patch.setattr(batch_transaction, "finish_batch", finish)


@complaint("stuck", "work")
def a_hint_never_gets_lost(patch: pytest.MonkeyPatch) -> None:
    """Whoever stores a row hints at it, and that is enough."""
    patch.setattr(dispatcher, "dispatch", lambda: 0)
