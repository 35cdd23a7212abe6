"""Several messages in one effect transaction, for a handler that allows it.

All of it commits together or not at all. Whatever goes wrong, all of it is undone: who failed for certain on
its own account is named, and everybody else has a turn of its own. No failure is written down here.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import OperationalError, connections, transaction
from rq.timeouts import JobTimeoutException

from passport_events.error_tree import iterate_related
from passport_events.handling.batch import finish_batch
from passport_events.handling.effect import (
    CONNECTION_ERRORS,
    INCOMPLETE_DELAY,
    database,
    run_handler,
)
from passport_events.handling.error_places import short_class_name_of
from passport_events.handling.errors import Failure, capture
from passport_events.handling.event_words import names_in, values_in
from passport_events.handling.merging import MergedMessage, merge_all
from passport_events.handling.registry import Handler
from passport_events.handling.rq_timeout import is_alarm
from passport_events.handling.turn import Attempt, names_of
from passport_events.instrumentation import Notification, emit
from passport_events.interrupts import is_interrupt
from passport_events.mirror.merge import Merged
from passport_events.models import ProcessedMessage, Status

SHARED_SECONDS = 0.1
"""So old a transaction begins no other turn: what the first handler wrote is locked until the commit."""


class Failed(NamedTuple):
    """A turn whose handler raised on its own account, of which nothing is left."""

    turn: Attempt
    failure: Failure


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What became of messages that began together; those it does not name are as they came."""

    had_turn: frozenset[int] = frozenset()
    """Primary keys."""
    failed: Failed | None = None
    """Still to be written down. Nobody had a turn then."""
    alarm: bool = False
    """RQ's alarm rang, which it does once for a job: no other handler may begin in this one."""


@dataclasses.dataclass(slots=True)
class _Ends:
    """How the turns end for which there was time."""

    began: list[int] = dataclasses.field(default_factory=list)
    """Primary keys."""
    fared: dict[Status, dict[int, dict[str, Any]]] = dataclasses.field(default_factory=dict)
    """By status and primary key: how the fields of each fared."""
    put_back: list[tuple[Attempt, Merged]] = dataclasses.field(default_factory=list)


class _Raised(Exception):
    """A handler raised; what it and those before it wrote has to be undone."""

    def __init__(self, failed: Failed, *, is_first: bool) -> None:
        super().__init__()
        self.failed, self.is_first = failed, is_first


def take_turns(turns: Sequence[Attempt], handler: Handler) -> Taken:
    """Run messages to their next status, or none of them if one of them spoiled it.

    Raises CONNECTION_ERRORS where the database is away; then nothing has changed.
    """
    ends, alarm = _Ends(), False
    is_committed: list[bool] = []
    try:
        with transaction.atomic(using=database()):
            # Ahead of those that handlers leave, of which one may raise.
            transaction.on_commit(lambda: is_committed.append(True), using=database())
            _effects(turns, handler, ends)
    except _Raised as raised:
        _forget_what_handlers_changed(turns)
        return Taken(failed=raised.failed if _is_its_own(raised) else None)
    except BaseException as error:
        if is_interrupt(error):
            raise
        if not is_committed:
            return _spoiled(turns, error)
        # What a handler left for after the commit.
        emit(Notification.CRASHED, message_ids=ends.began, error_class=short_class_name_of(error))
        alarm = is_alarm(error)
    for status, fared in ends.fared.items():
        for key in fared:
            emit(Notification(status), message_id=key, event_type=handler.event_type)
    return Taken(frozenset(ends.began), alarm=alarm)


def _effects(turns: Sequence[Attempt], handler: Handler, ends: _Ends) -> None:
    began = time.monotonic()
    for given, one in zip(turns, merge_all(turn.message for turn in turns), strict=True):
        if ends.began and time.monotonic() - began > SHARED_SECONDS:
            break
        key = one.message.pk
        ends.began.append(key)
        turn = dataclasses.replace(given, started=time.monotonic())
        emit(Notification.STARTED, message_id=key, event_type=handler.event_type)
        if handler.waits_for(one.record):
            ends.put_back.append((turn, one.merged))
            continue
        status = Status.SUPERSEDED if handler.passes_over(one.merged) else turn.plan.status
        if status != Status.SUPERSEDED:
            _call(handler, turn, one, is_first=not ends.fared)
        ends.fared.setdefault(status, {})[key] = names_of(one.merged)
    # All at the end: a row that is locked while a handler runs would keep its lease from being renewed.
    for status, fared in ends.fared.items():
        reason = "newer_data" if status == Status.SUPERSEDED else turns[0].plan.reason
        finish_batch(fared, fared, status, reason, turns[0].lease_token)
    for turn, merged in ends.put_back:
        turn.put_back(INCOMPLETE_DELAY, "needs_complete", merged)


def _call(handler: Handler, turn: Attempt, one: MergedMessage, *, is_first: bool) -> None:
    """No savepoint: when it fails, what its neighbours wrote is undone as well."""
    try:
        run_handler(handler, dataclasses.replace(one.event, is_stale=one.merged.is_stale), one.record)
    except BaseException as error:
        if is_interrupt(error):
            raise
        failure = capture(error, names_in(one.event, one.record), values_in(one.event, one.record))
        raise _Raised(Failed(turn, failure), is_first=is_first) from None


def _spoiled(turns: Sequence[Attempt], error: BaseException) -> Taken:
    """It was no handler."""
    if isinstance(error, JobTimeoutException):
        # Nobody knows what stood in the way. They wait for the end of their lease, and then run alone.
        ids = [turn.message.pk for turn in turns]
        emit(Notification.CRASHED, message_ids=ids, error_class=short_class_name_of(error))
        return Taken(frozenset(ids), alarm=True)
    if isinstance(error, CONNECTION_ERRORS) and not connections[database()].is_usable():
        raise error
    # A lease that was lost, a row that cannot be merged, a constraint that broke at the commit.
    _forget_what_handlers_changed(turns)
    return Taken()


def _is_its_own(raised: _Raised) -> bool:
    """Whether nobody else can have made it fail, or to see that would take too long.

    RQ's alarm leaves time for one long handler, not for the same one twice. An OperationalError may be a
    deadlock, which without the records of its neighbours there would not have been.
    """
    turn, error = raised.failed.turn, raised.failed.failure.error
    took_long = time.monotonic() - turn.started > SHARED_SECONDS
    may_be_a_deadlock = any(isinstance(one, OperationalError) for one in iterate_related(error))
    return is_alarm(error) or ((raised.is_first or took_long) and not may_be_a_deadlock)


def _forget_what_handlers_changed(turns: Sequence[Attempt]) -> None:
    """A handler may have changed its event, by which the next merge goes."""
    messages = {turn.message.pk: turn.message for turn in turns}
    rows = ProcessedMessage.objects.filter(pk__in=messages)
    for key, content in rows.values_list("pk", "content"):
        messages[key].content = content
