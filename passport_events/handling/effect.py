"""The effect transaction: lock the record, merge, run the handler in a savepoint, finish the message.

All of it commits together or not at all. The last write finishes the message only if this lease
still holds it; when it does not, somebody else has the message, and everything here rolls back.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connections, router, transaction
from rq.timeouts import JobTimeoutException

from passport_events.event import Event
from passport_events.handling.broken_transaction import diagnose, forget_errors, refuse_broken
from passport_events.handling.errors import Failure, capture
from passport_events.handling.event_words import names_in, values_in
from passport_events.handling.failure import record_failure
from passport_events.handling.registry import Handler
from passport_events.handling.results import refuse_result, refuse_unfinished
from passport_events.handling.rq_timeout import stop_statement
from passport_events.handling.turn import Attempt
from passport_events.instrumentation import Notification, emit
from passport_events.interrupts import is_interrupt
from passport_events.mirror.apply import lock_record, merge_into, save_merge
from passport_events.models import SalesforceRecord, Status

CONNECTION_ERRORS = (OperationalError, InterfaceError)
"""Outside the handler these mean that the database is in trouble, not the message."""

INCOMPLETE_DELAY = timedelta(minutes=1)
"""How often a handler with `needs_complete` looks again; a re-read makes its message due at once."""


class _Spoiled(Exception):
    """The handler failed, and its savepoint could not be rolled back: the merge has to be done again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


def take_turn(turn: Attempt) -> BaseException | None:
    """Run one message to its next status. Returns the handler's error, which is written down already.

    Raises LeaseLost, and the database's CONNECTION_ERRORS.
    """
    event, failure = _prepare(turn, turn.message.to_event())
    try:
        return _effect(turn, event, failure)
    except _Spoiled as spoiled:
        return fail(turn, spoiled.failure)
    except CONNECTION_ERRORS:
        raise
    except DatabaseError as raised:
        # What the handler wrote broke the commit (a deferred constraint, say): its failure too.
        return fail(turn, capture(raised, names_in(event), values_in(event)))


def fail(turn: Attempt, failure: Failure) -> BaseException | None:
    """Merge, and write down what the handler raised in a transaction that nothing is left of."""
    return _effect(turn, _as_it_came(turn), failure)


def _as_it_came(turn: Attempt) -> Event:
    """From the row: the handler may have changed its event, by which the merge goes."""
    turn.message.refresh_from_db(fields=["content"])
    return turn.message.to_event()


def _prepare(turn: Attempt, event: Event) -> tuple[Event, Failure | None]:
    emit(Notification.STARTED, message_id=turn.message.pk, event_type=event.event_type)
    handler = turn.plan.handler
    if handler is None or handler.prepare is None:
        return event, None
    try:
        prepared = handler.prepare(event)
        refuse_unfinished(prepared)
    except BaseException as error:
        if is_interrupt(error):
            raise
        # Outside a transaction Django keeps a connection that broke, and the attempt is still to be written.
        connections[database()].close_if_unusable_or_obsolete()
        return event, capture(error, names_in(event), values_in(event))
    return dataclasses.replace(event, prepared=prepared), None


def _effect(turn: Attempt, event: Event, failure: Failure | None) -> BaseException | None:
    handler, status, reason = turn.plan.handler, turn.plan.status, turn.plan.reason
    facts: dict[str, Any] = {}
    with transaction.atomic(using=database()):
        record = lock_record(turn.message)
        merged = merge_into(record, event, turn.message.pk)
        if merged.is_changed:
            save_merge(record)
        if handler is not None and failure is None:
            if handler.waits_for(record):
                turn.put_back(INCOMPLETE_DELAY, "needs_complete", merged)
                return None
            if handler.passes_over(merged):
                status, reason = Status.SUPERSEDED, "newer_data"
            else:
                failure = call_handler(handler, dataclasses.replace(event, is_stale=merged.is_stale), record)
                if failure is not None and transaction.get_rollback(using=database()):
                    raise _Spoiled(failure)
        if failure is None:
            turn.finish(status, reason, merged)
            stage = Notification(status)
        else:
            stage, facts = record_failure(turn, failure, merged)
    emit(stage, message_id=turn.message.pk, event_type=event.event_type, **facts)
    return None if failure is None else failure.error


def call_handler(handler: Handler, event: Event, record: SalesforceRecord) -> Failure | None:
    """Run a handler in a savepoint of the caller's transaction; returns what it raised, with that undone.

    Raises what interrupts the process.
    """
    try:
        with transaction.atomic(using=database()):
            run_handler(handler, event, record)
    except BaseException as error:
        if is_interrupt(error):
            raise
        error = diagnose(error, connections[database()])
        return capture(error, names_in(event, record), values_in(event, record))
    return None


def run_handler(handler: Handler, event: Event, record: SalesforceRecord) -> None:
    """Run a handler in the caller's transaction, and raise whatever it raises: then that has to be undone."""
    connection = connections[database()]
    forget_errors(connection)
    try:
        result = handler.function(event, record)
    except JobTimeoutException:
        stop_statement(connection)
        raise
    if result is not None:
        refuse_result(result)
    refuse_broken(connection)


def database() -> str:
    """Where records are, and messages with them."""
    return router.db_for_write(SalesforceRecord)
