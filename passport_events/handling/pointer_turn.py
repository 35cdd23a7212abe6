"""The turn of a pointer: fetch what it leads to, then store those events and finish it, in one transaction.

As with every effect, the last write finishes the message only if this lease still holds it; so of
two workers that fetched the same, one has stored it and the other nothing.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import DatabaseError, router, transaction

from passport_events import conf, fingerprint
from passport_events.dispatching import hints
from passport_events.exceptions import RetryLater, Unreadable
from passport_events.handling.effect import CONNECTION_ERRORS
from passport_events.handling.errors import capture
from passport_events.handling.failure import record_failure
from passport_events.handling.opener import Opened, Opener
from passport_events.handling.turn import Attempt
from passport_events.instrumentation import Notification, emit
from passport_events.interrupts import is_interrupt
from passport_events.models import ProcessedMessage, Status


def open_pointer(turn: Attempt, opener: Opener) -> BaseException | None:
    """Run a pointer to its next status. Returns the error, which is written down already.

    Raises LeaseLost, and the database's CONNECTION_ERRORS.
    """
    emit(Notification.STARTED, message_id=turn.message.pk, event_type=turn.message.event_type)
    try:
        payload = opener.fetch(turn.message)
    except CONNECTION_ERRORS:
        raise
    except BaseException as error:
        if is_interrupt(error):
            raise
        return _effect(turn, opener, None, error)
    try:
        return _effect(turn, opener, payload, None)
    except CONNECTION_ERRORS:
        raise
    except DatabaseError as error:
        # Found by the commit only: an organization that was deleted a moment ago, say.
        return _effect(turn, opener, None, error)


def _effect(turn: Attempt, opener: Opener, payload: Any, error: BaseException | None) -> BaseException | None:
    started = time.perf_counter()
    opened = Opened(frozenset(), 0, 0)
    stage, facts = Notification.SUCCEEDED, dict[str, object]()
    with transaction.atomic(using=router.db_for_write(ProcessedMessage)):
        if error is None:
            try:
                opened = opener.store(payload)
            except (Unreadable, RetryLater) as verdict:
                error = verdict
        if error is None:
            turn.finish(Status.SUCCEEDED, "")
        elif isinstance(error, Unreadable):
            group = fingerprint.of_quarantine(turn.message.delivery.wire_format, error.reason)
            turn.quarantine(str(error), group)
            stage = Notification.QUARANTINED
            facts = {
                "reason": error.reason,
                "organization": turn.message.organization_salesforce_id,
                "sqs_message_id": turn.message.delivery.sqs_message_id,
            }
        else:
            stage, facts = record_failure(turn, capture(error))
    emit(stage, message_id=turn.message.pk, event_type=turn.message.event_type, **facts)
    if error is None:
        _tell(opened, time.perf_counter() - started)
    return error


def _tell(opened: Opened, seconds: float) -> None:
    """What is said, and who is woken, after every commit that brought new messages."""
    emit(Notification.STORED, count=opened.new, duplicates=opened.duplicates, seconds=seconds)
    for facts in opened.quarantined:
        emit(Notification.QUARANTINED, **facts)
    settings = conf.current()
    queues = {settings.queue_of(name) for name in opened.due_types}
    if queues:
        hints.send(sorted(queues))
