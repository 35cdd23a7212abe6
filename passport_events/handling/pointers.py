"""Attempts of pointers: fetch the payload, then store its events and finish the pointer in one transaction.

The last write finishes the message only if this lease still holds it. If two workers fetch the same
payload, one stores it and the other rolls back.
"""

from __future__ import annotations

import time

from django.db import DatabaseError, transaction

from passport_events import conf, fingerprint
from passport_events.dispatching import hints
from passport_events.exceptions import RetryLater, Unreadable
from passport_events.handling.attempt import Attempt, record_failure
from passport_events.handling.error_report.report import capture
from passport_events.instrumentation import Notification, emit
from passport_events.models import Status
from passport_events.models.database import CONNECTION_ERRORS, get_database_alias
from passport_events.process_interrupts import is_interrupt
from passport_events.receiving import payloads
from passport_events.receiving.payloads import FetchedPayload, StoredPayload


def run_pointer_attempt(attempt: Attempt) -> BaseException | None:
    """Run a pointer to its next status. Return the error, which is recorded already.

    Raises LeaseLost and CONNECTION_ERRORS.
    """
    emit(Notification.STARTED, message_id=attempt.message.pk, event_type=attempt.message.event_type)
    try:
        payload = payloads.fetch(attempt.message)
    except CONNECTION_ERRORS:
        raise
    except BaseException as error:
        if is_interrupt(error):
            raise
        return _store_and_finish(attempt, None, error)
    try:
        return _store_and_finish(attempt, payload, None)
    except CONNECTION_ERRORS:
        raise
    except DatabaseError as error:
        # Only the commit detects it, for example an organization that has just been deleted.
        return _store_and_finish(attempt, None, error)


def _store_and_finish(
    attempt: Attempt, payload: FetchedPayload | None, error: BaseException | None
) -> BaseException | None:
    started = time.perf_counter()
    stored = StoredPayload(frozenset(), 0, 0)
    stage, facts = Notification.SUCCEEDED, dict[str, object]()
    with transaction.atomic(using=get_database_alias()):
        if payload is not None:
            try:
                stored = payloads.store(payload)
            except (Unreadable, RetryLater) as verdict:
                error = verdict
        if error is None:
            attempt.finish(Status.SUCCEEDED, "")
        elif isinstance(error, Unreadable):
            group = fingerprint.compute_quarantine_fingerprint(
                attempt.message.delivery.wire_format, error.reason
            )
            attempt.quarantine(str(error), group)
            stage = Notification.QUARANTINED
            facts = {
                "reason": error.reason,
                "organization": attempt.message.organization_salesforce_id,
                "sqs_message_id": attempt.message.delivery.sqs_message_id,
            }
        else:
            stage, facts = record_failure(attempt, capture(error))
    emit(stage, message_id=attempt.message.pk, event_type=attempt.message.event_type, **facts)
    if error is None:
        _emit_stored(stored, time.perf_counter() - started)
    return error


def _emit_stored(stored: StoredPayload, seconds: float) -> None:
    """Emit what was stored, and send hints for the queues that have new messages."""
    emit(Notification.STORED, count=stored.new, duplicates=stored.duplicates, seconds=seconds)
    for facts in stored.quarantined:
        emit(Notification.QUARANTINED, **facts)
    settings = conf.get_settings()
    queues = {settings.queue_of(name) for name in stored.due_types}
    if queues:
        hints.send(sorted(queues))
