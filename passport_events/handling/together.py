"""Several messages in one effect transaction, for a handler that allows it.

All of it commits together or not at all. Nobody's failure is written down here: whatever goes wrong, all
of it is undone, and each message has a turn of its own, which shows whose fault it was.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from django.db import connections, transaction
from rq.timeouts import JobTimeoutException

from passport_events.event import Event
from passport_events.exceptions import LeaseLost
from passport_events.handling.batch import finish_batch
from passport_events.handling.effect import CONNECTION_ERRORS, INCOMPLETE_DELAY, database, fail, run_handler
from passport_events.handling.registry import Handler
from passport_events.handling.turn import Turn, names_of
from passport_events.mirror.apply import lock_records, merge_into, save_merge
from passport_events.mirror.merge import Merged
from passport_events.models import ProcessedMessage, SalesforceRecord, Status
from passport_events.stages import Stage, announce

SHARED_SECONDS = 0.1
"""So old a transaction begins no other turn: what the first handler wrote is locked until the commit."""


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What became of messages that began together."""

    had_turn: frozenset[int] = frozenset()
    """Primary keys. The others are as they were, but that their records may have been merged."""
    alarm: bool = False
    """RQ's alarm rang, which it does once for a job: no other handler may begin in this one."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Merged:
    turn: Turn
    event: Event
    record: SalesforceRecord
    merged: Merged


_Fared = dict[Status, dict[int, dict[str, Any]]]
"""By the status in which messages ended, and by primary key: how the fields of each fared."""


class _Failed(Exception):
    """A handler raised, and its transaction is rolled back."""

    def __init__(self, turn: Turn, error: BaseException) -> None:
        super().__init__()
        self.turn, self.error = turn, error


def take_turns(turns: Sequence[Turn], handler: Handler) -> Taken:
    """Run messages to their next status; none of them had its turn if one of them spoiled it.

    Raises CONNECTION_ERRORS where the database is away, and RQ's alarm where it interrupted no handler;
    then nothing has changed.
    """
    had_turn: frozenset[int] = frozenset()
    fared: _Fared = {}
    is_committed: list[bool] = []
    try:
        with transaction.atomic(using=database()):
            # Ahead of those that handlers leave, of which one may raise.
            transaction.on_commit(lambda: is_committed.append(True), using=database())
            had_turn = _effects(turns, handler, fared)
    except _Failed as failed:
        # Outside a transaction Django keeps a connection that broke.
        connections[database()].close_if_unusable_or_obsolete()
        if isinstance(failed.error, JobTimeoutException):
            return _alarmed(failed)
        return _undone(turns)
    except JobTimeoutException:
        raise
    except Exception as error:
        if is_committed:  # what a handler left for after the commit
            announce(Stage.CRASHED, message_ids=list(had_turn), error_class=type(error).__name__)
        elif isinstance(error, CONNECTION_ERRORS) and not connections[database()].is_usable():
            raise
        else:  # a lease that was lost, a row that cannot be merged, a constraint that broke at the commit
            return _undone(turns)
    for status, ended in fared.items():
        for turn in turns:
            if turn.message.pk in ended:
                announce(Stage(status), message_id=turn.message.pk, event_type=turn.message.event_type)
    return Taken(had_turn)


def _effects(turns: Sequence[Turn], handler: Handler, fared: _Fared) -> frozenset[int]:
    """The turns there was time for; `fared` is filled with those that came to an end."""
    began = time.monotonic()
    had_turn: set[int] = set()
    for each in _merge_all(turns):
        if had_turn and time.monotonic() - began > SHARED_SECONDS:
            break
        message = each.turn.message
        had_turn.add(message.pk)
        announce(Stage.STARTED, message_id=message.pk, event_type=message.event_type)
        if handler.waits_for(each.record):
            each.turn.put_back(INCOMPLETE_DELAY, "needs_complete", each.merged)
            continue
        status = Status.SUPERSEDED if handler.passes_over(each.merged) else each.turn.plan.status
        if status != Status.SUPERSEDED:
            _call(handler, each)
        fared.setdefault(status, {})[message.pk] = names_of(each.merged)
    for status, ended in fared.items():
        reason = "newer_data" if status == Status.SUPERSEDED else turns[0].plan.reason
        finish_batch(ended, ended, status, reason, turns[0].lease_token)
    return frozenset(had_turn)


def _merge_all(turns: Sequence[Turn]) -> list[_Merged]:
    records = lock_records([turn.message for turn in turns])
    parts = []
    for turn in turns:
        record = records[turn.message.organization_id or 0, turn.message.record_id]
        event = turn.message.to_event()
        parts.append(_Merged(turn, event, record, merge_into(record, event, turn.message.pk)))
    if changed := [each.record for each in parts if each.merged.is_changed]:
        save_merge(*changed)
    return parts


def _call(handler: Handler, each: _Merged) -> None:
    """No savepoint: when it fails, what its neighbours wrote is undone as well."""
    try:
        run_handler(handler, dataclasses.replace(each.event, is_stale=each.merged.is_stale), each.record)
    except Exception as error:
        raise _Failed(each.turn, error) from error


def _alarmed(failed: _Failed) -> Taken:
    """The alarm shows by itself whose turn took so long; its neighbours lost theirs with it."""
    message = failed.turn.message
    try:
        fail(failed.turn, failed.error)
    except LeaseLost:
        announce(Stage.LEASE_LOST, message_id=message.pk, event_type=message.event_type)
    return Taken(frozenset({message.pk}), alarm=True)


def _undone(turns: Sequence[Turn]) -> Taken:
    """As they came: a handler may have changed its event, by which the next merge goes."""
    messages = {turn.message.pk: turn.message for turn in turns}
    rows = ProcessedMessage.objects.filter(pk__in=messages)
    for key, content in rows.values_list("pk", "content"):
        messages[key].content = content
    return Taken()
