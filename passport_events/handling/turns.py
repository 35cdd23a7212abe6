"""A run of messages with a plan, each in its own turn or several in one transaction."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Callable, Sequence
from uuid import UUID

from passport_events.exceptions import LeaseLost
from passport_events.handling.batch import merge_batch
from passport_events.handling.effect import CONNECTION_ERRORS, fail, take_turn
from passport_events.handling.error_places import short_class_name_of
from passport_events.handling.plan import Plan
from passport_events.handling.pointers import open_pointer
from passport_events.handling.rq_timeout import is_alarm
from passport_events.handling.runs import runs_of
from passport_events.handling.time_slice import TimeSlice
from passport_events.handling.together import Failed, take_turns
from passport_events.handling.turn import Attempt
from passport_events.instrumentation import Notification, emit
from passport_events.interrupts import is_interrupt
from passport_events.models import ProcessedMessage


def take_each_turn(
    messages: Sequence[ProcessedMessage], plan: Plan, lease_token: UUID, time_slice: TimeSlice, done: set[int]
) -> bool:
    """Give messages their turns, and add them to `done`. False when the rest should be given back.

    Raises the database's CONNECTION_ERRORS.
    """
    turn = functools.partial(Attempt, plan=plan, lease_token=lease_token, worker=worker_name())
    for run in runs_of(messages, plan.handler):
        left, together = list(run), len(run)
        while left:
            if time_slice.is_over_after(done):
                return False
            company = left[:together]
            if len(company) > 1 and plan.handler is not None:
                taken = take_turns([turn(message) for message in company], plan.handler)
                done |= taken.had_turn
                if taken.alarm or (taken.failed and not _write_down(taken.failed, done)):
                    return False
                left = [message for message in left if message.pk not in done]
                # No more at once than there was time for; and alone, where one spoiled it.
                together = len(taken.had_turn)
            elif not _guarded(turn(left.pop(0)), _take_one, done):
                return False
    return True


def _write_down(failed: Failed, done: set[int]) -> bool:
    return _guarded(failed.turn, lambda turn: fail(turn, failed.failure), done)


def _take_one(turn: Attempt) -> BaseException | None:
    if turn.message.is_pointer:
        return open_pointer(turn)
    if turn.plan.merges:
        return take_turn(turn)
    merge_batch([turn.message], turn.plan, turn.lease_token)
    return None


def _guarded(turn: Attempt, take: Callable[[Attempt], BaseException | None], done: set[int]) -> bool:
    """One transaction. False when RQ's alarm rang: once per job, and the next handler would have none."""
    message = turn.message
    # Whatever happens now, this message had its turn: it is not given back untouched.
    done.add(message.pk)
    error: BaseException | None = None
    try:
        error = take(turn)
    except LeaseLost:
        emit(Notification.LEASE_LOST, message_id=message.pk, event_type=message.event_type)
    except CONNECTION_ERRORS:
        raise
    except BaseException as broken:
        if is_interrupt(broken):
            raise
        # Ours, not the handler's: like a crash, so that the end of the lease isolates it.
        error = broken
        emit(Notification.CRASHED, message_ids=[message.pk], error_class=short_class_name_of(broken))
    return not is_alarm(error)


def worker_name() -> str:
    """Host and process, for attempts and heartbeats."""
    return f"{socket.gethostname()}:{os.getpid()}"
