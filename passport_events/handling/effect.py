"""The effect transaction: lock the record, merge, run the handler in a savepoint, finish the message.

All of it commits together or not at all. The last write finishes the message only if this lease
still holds it; when it does not, somebody else has the message, and everything here rolls back.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connections, router, transaction
from django.db.transaction import TransactionManagementError
from rq.timeouts import JobTimeoutException

from passport_events.event import Event
from passport_events.handling.alarm import stop_statement
from passport_events.handling.failure import record_failure
from passport_events.handling.registry import Handler
from passport_events.handling.turn import Turn
from passport_events.mirror.apply import lock_record, merge_into, save_merge
from passport_events.models import SalesforceRecord, Status
from passport_events.stages import Stage, announce

CONNECTION_ERRORS = (OperationalError, InterfaceError)
"""Outside the handler these mean that the database is in trouble, not the message."""

INCOMPLETE_DELAY = timedelta(minutes=1)
"""How often a handler with `needs_complete` looks again; a re-read makes its message due at once."""


class _Spoiled(Exception):
    """The handler failed, and its savepoint could not be rolled back: the merge has to be done again."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


def take_turn(turn: Turn) -> BaseException | None:
    """Run one message to its next status. Returns the handler's error, which is written down already.

    Raises LeaseLost, and the database's CONNECTION_ERRORS.
    """
    event, error = _prepare(turn, turn.message.to_event())
    try:
        return _effect(turn, event, error)
    except _Spoiled as spoiled:
        return fail(turn, spoiled.error)
    except CONNECTION_ERRORS:
        raise
    except DatabaseError as raised:
        # What the handler wrote broke the commit (a deferred constraint, say): its failure too.
        return fail(turn, raised)


def fail(turn: Turn, error: BaseException) -> BaseException | None:
    """Merge, and write down what the handler raised in a transaction that nothing is left of."""
    return _effect(turn, _as_it_came(turn), error)


def _as_it_came(turn: Turn) -> Event:
    """From the row: the handler may have changed its event, by which the merge and what errors hide go."""
    turn.message.refresh_from_db(fields=["content"])
    return turn.message.to_event()


def _prepare(turn: Turn, event: Event) -> tuple[Event, BaseException | None]:
    announce(Stage.STARTED, message_id=turn.message.pk, event_type=event.event_type)
    handler = turn.plan.handler
    if handler is None or handler.prepare is None:
        return event, None
    try:
        return dataclasses.replace(event, prepared=handler.prepare(event)), None
    except Exception as error:  # noqa: BLE001  whatever it is becomes an attempt
        # Outside a transaction Django keeps a connection that broke, and the attempt is still to be written.
        connections[database()].close_if_unusable_or_obsolete()
        return event, error


def _effect(turn: Turn, event: Event, error: BaseException | None) -> BaseException | None:
    handler, status, reason = turn.plan.handler, turn.plan.status, turn.plan.reason
    facts: dict[str, Any] = {}
    with transaction.atomic(using=database()):
        record = lock_record(turn.message)
        merged = merge_into(record, event, turn.message.pk)
        if merged.is_changed:
            save_merge(record)
        if handler is not None and error is None:
            if handler.waits_for(record):
                turn.put_back(INCOMPLETE_DELAY, "needs_complete", merged)
                return None
            if handler.passes_over(merged):
                status, reason = Status.SUPERSEDED, "newer_data"
            else:
                error = call_handler(handler, dataclasses.replace(event, is_stale=merged.is_stale), record)
                if error is not None and transaction.get_rollback(using=database()):
                    raise _Spoiled(error)
        if error is None:
            turn.finish(status, reason, merged)
            stage = Stage(status)
        else:
            stage, facts = record_failure(turn, error, [event.fields, record.fields], merged)
    announce(stage, message_id=turn.message.pk, event_type=event.event_type, **facts)
    return error


def call_handler(handler: Handler, event: Event, record: SalesforceRecord) -> BaseException | None:
    """Run a handler in a savepoint of the caller's transaction; returns what it raised, with that undone."""
    try:
        with transaction.atomic(using=database()):
            run_handler(handler, event, record)
    except Exception as error:  # noqa: BLE001  whatever it is becomes an attempt
        return error
    return None


def run_handler(handler: Handler, event: Event, record: SalesforceRecord) -> None:
    """Run a handler in the caller's transaction, and raise whatever it raises: then that has to be undone."""
    try:
        handler.function(event, record)
    except JobTimeoutException:
        stop_statement(connections[database()])
        raise
    _refuse_silent_rollback()


def _refuse_silent_rollback() -> None:
    if transaction.get_rollback(using=database()):
        # Django would undo what the handler wrote, and say nothing.
        raise TransactionManagementError(
            "The handler caught a database error that had already undone its writes. Let it out, "
            "or put what may fail into a transaction.atomic() of its own."
        )


def database() -> str:
    """Where records are, and messages with them."""
    return router.db_for_write(SalesforceRecord)
