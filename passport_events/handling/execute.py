"""Run one attempt: lock the record, merge, call the handler in a savepoint, finish the message.

All of it commits together or not at all. The last write finishes the message only if this lease still
holds it; otherwise another worker has the message, and the transaction rolls back.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connections, transaction
from rq.timeouts import JobTimeoutException

from passport_events.event import Event
from passport_events.exceptions import LeaseLost
from passport_events.handling.attempt import Attempt, BatchResult, StopReason, record_failure
from passport_events.handling.batch import merge_batch
from passport_events.handling.error_report.frames import get_short_class_name
from passport_events.handling.error_report.masking import collect_names, collect_values
from passport_events.handling.error_report.report import Failure, capture
from passport_events.handling.handler_checks import (
    clear_errors,
    explain_error,
    refuse_broken_transaction,
    refuse_result,
    refuse_unfinished,
)
from passport_events.handling.pointers import run_pointer_attempt
from passport_events.handling.registry import Handler
from passport_events.handling.rq_timeout import cancel_statement, is_job_timeout
from passport_events.instrumentation import Notification, emit
from passport_events.mirror.apply import lock_record, merge_into, save_merge
from passport_events.models import SalesforceRecord, Status
from passport_events.models.database import CONNECTION_ERRORS, get_database_alias
from passport_events.process_interrupts import is_interrupt

INCOMPLETE_RECORD_DELAY = timedelta(minutes=1)
"""Time between two attempts while a record lacks fields; a re-read of the record ends the wait."""


class _MergeUndone(Exception):
    """The handler failed and its savepoint could not be rolled back, so the merge is undone as well."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


def run_attempt(attempt: Attempt, failure: Failure | None = None) -> BatchResult:
    """Run one message to its next status. With `failure`, only merge and record that; nothing is called.

    Raises nothing: what has to be raised is in the result.
    """
    message = attempt.message
    attempted = frozenset((message.pk,))
    error: BaseException | None = None
    try:
        error = _execute(attempt, failure)
    except LeaseLost:
        emit(Notification.LEASE_LOST, message_id=message.pk, event_type=message.event_type)
    except CONNECTION_ERRORS as raised:
        return BatchResult(attempted, StopReason.DATABASE_ERROR, raised)
    except BaseException as raised:  # noqa: BLE001  an interrupt is raised after the rest is unclaimed
        if is_interrupt(raised):
            return BatchResult(attempted, StopReason.INTERRUPT, raised)
        # An error of this package, not of the handler: as after a crash, the end of the lease isolates it.
        error = raised
        emit(Notification.CRASHED, message_ids=[message.pk], error_class=get_short_class_name(raised))
    is_stopped = error is not None and is_job_timeout(error)
    return BatchResult(attempted, StopReason.JOB_TIMEOUT if is_stopped else None)


def _execute(attempt: Attempt, failure: Failure | None) -> BaseException | None:
    """Return the error of the handler or the pointer, which is recorded already."""
    if failure is not None:
        return _record_handler_failure(attempt, failure)
    if attempt.message.is_pointer:
        return run_pointer_attempt(attempt)
    if attempt.plan.merges:
        return _merge_and_handle(attempt)
    merge_batch([attempt.message], attempt.plan, attempt.lease_token)
    return None


def _merge_and_handle(attempt: Attempt) -> BaseException | None:
    event, failure = _prepare(attempt, attempt.message.to_event())
    try:
        return _run_transaction(attempt, event, failure)
    except _MergeUndone as undone:
        return _record_handler_failure(attempt, undone.failure)
    except CONNECTION_ERRORS:
        raise
    except DatabaseError as raised:
        # The handler's writes broke the commit, for example by a deferred constraint.
        return _record_handler_failure(attempt, capture(raised, collect_names(event), collect_values(event)))


def _record_handler_failure(attempt: Attempt, failure: Failure) -> BaseException | None:
    """Merge and record the failure in a new transaction."""
    # The handler may have changed its event, which the merge reads.
    attempt.message.refresh_from_db(fields=["content"])
    return _run_transaction(attempt, attempt.message.to_event(), failure)


def _prepare(attempt: Attempt, event: Event) -> tuple[Event, Failure | None]:
    emit(Notification.STARTED, message_id=attempt.message.pk, event_type=event.event_type)
    handler = attempt.plan.handler
    if handler is None or handler.prepare is None:
        return event, None
    try:
        prepared = handler.prepare(event)
        refuse_unfinished(prepared)
    except BaseException as error:
        if is_interrupt(error):
            raise
        # Django keeps a broken connection outside a transaction, and the failure must still be recorded.
        connections[get_database_alias()].close_if_unusable_or_obsolete()
        return event, capture(error, collect_names(event), collect_values(event))
    return dataclasses.replace(event, prepared=prepared), None


def _run_transaction(attempt: Attempt, event: Event, failure: Failure | None) -> BaseException | None:
    handler, status, reason = attempt.plan.handler, attempt.plan.status, attempt.plan.reason
    database, facts = get_database_alias(), dict[str, Any]()
    with transaction.atomic(using=database):
        record = lock_record(attempt.message)
        merged = merge_into(record, event, attempt.message.pk)
        if merged.is_changed:
            save_merge(record)
        if handler is not None and failure is None:
            if handler.must_wait(record):
                attempt.requeue(INCOMPLETE_RECORD_DELAY, "needs_complete", merged)
                return None
            if handler.must_skip(merged):
                status, reason = Status.SUPERSEDED, "newer_data"
            else:
                failure = call_handler(handler, dataclasses.replace(event, is_stale=merged.is_stale), record)
                if failure is not None and transaction.get_rollback(using=database):
                    raise _MergeUndone(failure)
        if failure is None:
            attempt.finish(status, reason, merged)
            stage = Notification(status)
        else:
            stage, facts = record_failure(attempt, failure, merged)
    emit(stage, message_id=attempt.message.pk, event_type=event.event_type, **facts)
    return None if failure is None else failure.error


def call_handler(handler: Handler, event: Event, record: SalesforceRecord) -> Failure | None:
    """Call a handler in a savepoint of the caller's transaction; return its failure, after a rollback.

    Raises what interrupts the process.
    """
    try:
        with transaction.atomic(using=get_database_alias()):
            run_handler(handler, event, record)
    except BaseException as error:
        if is_interrupt(error):
            raise
        error = explain_error(error, connections[get_database_alias()])
        return capture(error, collect_names(event, record), collect_values(event, record))
    return None


def run_handler(handler: Handler, event: Event, record: SalesforceRecord) -> None:
    """Call a handler without a savepoint. Raises its error; then the caller must roll back."""
    connection = connections[get_database_alias()]
    clear_errors(connection)
    try:
        result = handler.function(event, record)
    except JobTimeoutException:
        cancel_statement(connection)
        raise
    if result is not None:
        refuse_result(result)
    refuse_broken_transaction(connection)
