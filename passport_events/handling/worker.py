"""Working on one RQ queue's due rows until none is left or the time slice is over."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from django.db import Error, connections, router
from rq.timeouts import JobTimeoutException

from passport_events import conf
from passport_events.dispatching import hints
from passport_events.handling.batch import merge_batch
from passport_events.handling.claim import NOTHING, Claim, claim_batch, claim_one_alone
from passport_events.handling.effect import CONNECTION_ERRORS
from passport_events.handling.lease import LeaseKeeper
from passport_events.handling.locks import RecordLocks
from passport_events.handling.plan import Plan, plan_for
from passport_events.handling.time_slice import TimeSlice
from passport_events.handling.turns import take_each_turn
from passport_events.mirror.apply import ensure_records
from passport_events.models import ProcessedMessage

ALONE_SECONDS = 1.0
"""A job that goes on and on looks so often for messages that run alone; they are rare."""


def work(queue_name: str) -> int:
    """Handle what is due for an RQ queue; returns how many messages had their turn.

    Raises the database's CONNECTION_ERRORS; what was in hand is given back before.
    """
    settings = conf.current()
    event_types = settings.queues().get(queue_name, [])
    locks = RecordLocks(hints.connection(queue_name))
    time_slice = TimeSlice(settings.time_slice_seconds)
    done, batch, alone, looked_at = 0, NOTHING, NOTHING, -math.inf
    while event_types and not time_slice.is_over():
        # Each is worked on before the next is claimed: nobody renews a claim that waits. And the one
        # that may take this process down comes when nothing else is in hand.
        is_time = time.monotonic() - looked_at >= ALONE_SECONDS
        if is_time or alone.messages or alone.more or batch.more:
            alone, looked_at = claim_one_alone(event_types, locks), time.monotonic()
            done += work_on(alone, locks, time_slice)
            if time_slice.is_over():
                break
        batch = claim_batch(event_types, locks)
        if batch.more:
            # Before working on this one, so that another worker wakes up for the rest.
            hints.send([queue_name])
        done += work_on(batch, locks, time_slice)
        if batch.more or alone.messages:
            continue
        if not (batch.messages or alone.more):
            return done
        if not time_slice.rest():
            break
    hints.send([queue_name])
    return done


def work_on(claim: Claim, locks: RecordLocks, time_slice: TimeSlice) -> int:
    """Give every message of a claim its turn, or back. Returns how many had theirs."""
    if not claim.messages:
        return 0
    done: set[int] = set()
    try:
        with LeaseKeeper(claim, locks):
            ensure_records(claim.messages)
            for plan, messages in _in_groups(claim.messages):
                if time_slice.is_over_after(done):
                    break
                if plan.is_alone or not _merged_together(messages, plan, claim):
                    if not take_each_turn(messages, plan, claim.lease_token, time_slice, done):
                        break
                else:
                    done.update(message.pk for message in messages)
    except CONNECTION_ERRORS:
        # Outside a transaction Django keeps a broken connection.
        connections[router.db_for_write(ProcessedMessage)].close_if_unusable_or_obsolete()
        raise
    finally:
        _give_back(claim, done)
    return len(done)


def _in_groups(messages: Sequence[ProcessedMessage]) -> Iterator[tuple[Plan, list[ProcessedMessage]]]:
    """What can be merged together, as one group per plan; then runs in the claim's order.

    All of a record's messages are on the same side, unless its organization changes at this moment.
    """
    settings = conf.current()
    together: dict[Plan, list[ProcessedMessage]] = {}
    alone: list[tuple[Plan, ProcessedMessage]] = []
    for message in messages:
        plan = plan_for(message, settings)
        if plan.is_alone:
            alone.append((plan, message))
        else:
            together.setdefault(plan, []).append(message)
    yield from together.items()
    for plan, run in itertools.groupby(alone, key=lambda pair: pair[0]):
        yield plan, [message for _, message in run]


def _merged_together(messages: Sequence[ProcessedMessage], plan: Plan, claim: Claim) -> bool:
    """Merge a run at once; when one of them spoils it, the caller goes one by one."""
    try:
        merge_batch(messages, plan, claim.lease_token)
    except (*CONNECTION_ERRORS, JobTimeoutException):
        raise
    except Exception:  # noqa: BLE001  whichever message it was, its own turn shows it
        return False
    return True


def _give_back(claim: Claim, done: set[int]) -> None:
    """Messages that did not get their turn become due at once, for whoever comes next."""
    rest = [message.pk for message in claim.messages if message.pk not in done]
    if rest:
        with suppress(Error):  # then the end of the lease gives them back
            ProcessedMessage.objects.filter(pk__in=rest).release(claim.lease_token)
