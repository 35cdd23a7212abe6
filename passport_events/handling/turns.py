"""A run of messages with a plan, each in its own turn or several in one transaction."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from uuid import UUID

from rq.timeouts import JobTimeoutException

from passport_events.exceptions import LeaseLost
from passport_events.handling.batch import merge_batch
from passport_events.handling.effect import CONNECTION_ERRORS, take_turn
from passport_events.handling.plan import Plan
from passport_events.handling.pointer_turn import open_pointer
from passport_events.handling.runs import runs_of
from passport_events.handling.time_slice import TimeSlice
from passport_events.handling.together import take_turns
from passport_events.handling.turn import Turn
from passport_events.models import ProcessedMessage
from passport_events.stages import Stage, announce


def take_each_turn(
    messages: Sequence[ProcessedMessage], plan: Plan, lease_token: UUID, time_slice: TimeSlice, done: set[int]
) -> bool:
    """Give messages their turns, and add them to `done`. False when the rest should be given back.

    Raises the database's CONNECTION_ERRORS.
    """
    worker = worker_name()
    for run in runs_of(messages, plan.handler):
        turns = [Turn(message, plan, lease_token, worker) for message in run]
        while plan.handler is not None and len(turns) > 1:
            if time_slice.is_over_after(done):
                return False
            taken = take_turns(turns, plan.handler)
            done |= taken.had_turn
            if taken.alarm:
                return False
            if not taken.had_turn:
                break
            turns = [turn for turn in turns if turn.message.pk not in taken.had_turn]
        for turn in turns:
            if time_slice.is_over_after(done):
                return False
            # Whatever happens now, this message had its turn: it is not given back untouched.
            done.add(turn.message.pk)
            if not _take_one(turn):
                return False
    return True


def _take_one(turn: Turn) -> bool:
    """One transaction. False when RQ's alarm rang: once per job, and the next handler would have none."""
    message = turn.message
    error: BaseException | None = None
    try:
        if turn.plan.opener is not None:
            error = open_pointer(turn, turn.plan.opener)
        elif turn.plan.merges:
            error = take_turn(turn)
        else:
            merge_batch([message], turn.plan, turn.lease_token)
    except LeaseLost:
        announce(Stage.LEASE_LOST, message_id=message.pk, event_type=message.event_type)
    except CONNECTION_ERRORS:
        raise
    except Exception as broken:  # noqa: BLE001  see below
        # Ours, not the handler's: like a crash, so that the end of the lease isolates it.
        error = broken
        announce(Stage.CRASHED, message_ids=[message.pk], error_class=type(broken).__name__)
    return not isinstance(error, JobTimeoutException)


def worker_name() -> str:
    """Host and process, for attempts and heartbeats."""
    return f"{socket.gethostname()}:{os.getpid()}"
