"""Several messages in one transaction, for a handler with `shares_transaction`.

All of it commits together or not at all. When anything fails, all of it is rolled back. A failure that is
certainly the fault of one message is recorded for that message; the others are attempted one by one.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

from django.db import OperationalError, connections, transaction
from rq.timeouts import JobTimeoutException

from passport_events.exception_chains import iterate_related
from passport_events.handling.attempt import Attempt, BatchResult, StopReason, summarize_merge
from passport_events.handling.batch import MergedMessage, finish_batch, merge_messages
from passport_events.handling.error_report.frames import get_short_class_name
from passport_events.handling.error_report.masking import collect_names, collect_values
from passport_events.handling.error_report.report import Failure, capture
from passport_events.handling.execute import INCOMPLETE_RECORD_DELAY, run_attempt, run_handler
from passport_events.handling.registry import Handler
from passport_events.handling.rq_timeout import is_job_timeout
from passport_events.instrumentation import Notification, emit
from passport_events.mirror.merge import Merged
from passport_events.models import ProcessedMessage, Status
from passport_events.models.database import CONNECTION_ERRORS, get_database_alias
from passport_events.process_interrupts import is_interrupt

MAX_SHARED_SECONDS = 0.1
"""An older transaction starts no other handler: rows that handlers wrote stay locked until the commit."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Outcomes:
    """What the transaction did with the messages for which there was time."""

    started: list[int]
    """Primary keys."""
    finished: dict[Status, dict[int, dict[str, Any]]]
    """The `merged` column by status and primary key."""


class _HandlerFailed(Exception):
    """A handler raised, so the writes of all handlers must be rolled back."""

    def __init__(self, attempt: Attempt, failure: Failure, *, is_first: bool) -> None:
        super().__init__()
        self.attempt, self.failure, self.is_first = attempt, failure, is_first


def run_batch(attempts: Sequence[Attempt], handler: Handler) -> BatchResult:
    """Run messages to their next status, or none of them if one of them failed.

    The result has no message where all was rolled back, or only the one whose failure was recorded.
    Raises CONNECTION_ERRORS when the database is unavailable; then nothing has changed.
    """
    outcomes, committed = _Outcomes([], {}), list[bool]()
    stop: StopReason | None = None
    try:
        with transaction.atomic(using=get_database_alias()):
            # Registered before the callbacks of handlers, of which one may raise.
            transaction.on_commit(lambda: committed.append(True), using=get_database_alias())
            _call_handlers(attempts, handler, outcomes)
    except _HandlerFailed as failed:
        _reload_content(attempts)
        return run_attempt(failed.attempt, failed.failure) if _is_own_fault(failed) else BatchResult()
    except BaseException as error:
        if is_interrupt(error):
            raise
        if not committed:
            return _handle_rollback(attempts, error)
        # A callback of a handler failed after the commit.
        emit(Notification.CRASHED, message_ids=outcomes.started, error_class=get_short_class_name(error))
        stop = StopReason.JOB_TIMEOUT if is_job_timeout(error) else None
    for status, summaries in outcomes.finished.items():
        for key in summaries:
            emit(Notification(status), message_id=key, event_type=handler.event_type)
    return BatchResult(frozenset(outcomes.started), stop)


def _call_handlers(attempts: Sequence[Attempt], handler: Handler, outcomes: _Outcomes) -> None:
    started = time.monotonic()
    requeued: list[tuple[Attempt, Merged]] = []
    merged = merge_messages(attempt.message for attempt in attempts)
    for prepared, one in zip(attempts, merged, strict=True):
        if outcomes.started and time.monotonic() - started > MAX_SHARED_SECONDS:
            break
        key = one.message.pk
        outcomes.started.append(key)
        attempt = dataclasses.replace(prepared, started=time.monotonic())
        emit(Notification.STARTED, message_id=key, event_type=handler.event_type)
        if handler.must_wait(one.record):
            requeued.append((attempt, one.merged))
            continue
        status = Status.SUPERSEDED if handler.must_skip(one.merged) else attempt.plan.status
        if status != Status.SUPERSEDED:
            _call_handler(handler, attempt, one, is_first=not outcomes.finished)
        outcomes.finished.setdefault(status, {})[key] = summarize_merge(one.merged)
    # After all handlers: a message row that is locked while a handler runs blocks the renewal of its lease.
    for status, summaries in outcomes.finished.items():
        reason = "newer_data" if status == Status.SUPERSEDED else attempts[0].plan.reason
        finish_batch(summaries, summaries, status, reason, attempts[0].lease_token)
    for attempt, merge in requeued:
        attempt.requeue(INCOMPLETE_RECORD_DELAY, "needs_complete", merge)


def _call_handler(handler: Handler, attempt: Attempt, one: MergedMessage, *, is_first: bool) -> None:
    """Call without a savepoint: a failure undoes the writes of the other handlers as well."""
    try:
        run_handler(handler, dataclasses.replace(one.event, is_stale=one.merged.is_stale), one.record)
    except BaseException as error:
        if is_interrupt(error):
            raise
        failure = capture(error, collect_names(one.event, one.record), collect_values(one.event, one.record))
        raise _HandlerFailed(attempt, failure, is_first=is_first) from None


def _handle_rollback(attempts: Sequence[Attempt], error: BaseException) -> BatchResult:
    """Decide about a transaction that failed outside of a handler."""
    if isinstance(error, JobTimeoutException):
        # The cause is unknown. The messages stay claimed until the lease ends, and are isolated then.
        ids = [attempt.message.pk for attempt in attempts]
        emit(Notification.CRASHED, message_ids=ids, error_class=get_short_class_name(error))
        return BatchResult(frozenset(ids), StopReason.JOB_TIMEOUT)
    if isinstance(error, CONNECTION_ERRORS) and not connections[get_database_alias()].is_usable():
        raise error
    # A lost lease, a record that cannot be merged, a constraint that failed at the commit.
    _reload_content(attempts)
    return BatchResult()


def _is_own_fault(failed: _HandlerFailed) -> bool:
    """Return whether no other message can be the cause, or finding out would take too long.

    A job timeout leaves time for one slow handler, not for two calls of it. An OperationalError may be a
    deadlock, which may not happen without the locks of the other messages.
    """
    error = failed.failure.error
    was_slow = time.monotonic() - failed.attempt.started > MAX_SHARED_SECONDS
    may_be_deadlock = any(isinstance(one, OperationalError) for one in iterate_related(error))
    return is_job_timeout(error) or ((failed.is_first or was_slow) and not may_be_deadlock)


def _reload_content(attempts: Sequence[Attempt]) -> None:
    """A handler may have changed its event, which the next merge reads."""
    messages = {attempt.message.pk: attempt.message for attempt in attempts}
    rows = ProcessedMessage.objects.filter(pk__in=messages)
    for key, content in rows.values_list("pk", "content"):
        messages[key].content = content
