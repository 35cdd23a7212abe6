"""The stages of a message, named once. Work announces them; `observing/` listens.

An observer is called with the stage and its facts: ids, counts and durations, never a payload.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from typing import Any

from passport_events.process_interrupts import is_interrupt

logger = logging.getLogger(__name__)


class Notification(enum.StrEnum):
    """Everything that can be announced, in the order in which a message meets it."""

    RECEIVING = "receiving"  # process, sources, receivers, database: it starts
    # count, size (bytes of the bodies), seconds, queue (its URL), sent_at: when SQS took the oldest, or None
    RECEIVED = "received"
    STORED = "stored"  # count, duplicates, seconds
    HEARD = "heard"  # organization, delay_seconds: its heartbeat came, and how old it was
    DELETED = "deleted"  # count, failed
    HINTED = "hinted"  # queue
    CLAIMED = "claimed"  # queue, count, worker
    STARTED = "started"  # message_id
    SUCCEEDED = "succeeded"  # message_id, event_type
    SUPERSEDED = "superseded"
    IGNORED = "ignored"
    RETRYING = "retrying"  # message_id, error_class, due_in
    DIED = "died"  # message_id, reason
    # reason, organization, record_id, sqs_message_id, delivery_id, dedup_key; for a pointer also message_id
    QUARANTINED = "quarantined"
    CRASHED = "crashed"  # message_ids
    LEASE_LOST = "lease_lost"  # message_id
    STATE_CHANGED = "state_changed"  # what, state, reason: said once per change
    GAVE_UP = "gave_up"  # process, reason: it ends, and a supervisor starts it again
    OPERATED = "operated"  # kind, actor, count


Subscriber = Callable[[Notification, dict[str, Any]], None]
_subscribers: list[Subscriber] = []


def subscribe(observer: Subscriber) -> None:
    """Call `observer` for every stage from now on. Adding one twice changes nothing."""
    if observer not in _subscribers:
        _subscribers.append(observer)


def unsubscribe(observer: Subscriber) -> None:
    """Stop calling `observer`."""
    if observer in _subscribers:
        _subscribers.remove(observer)


def emit(stage: Notification, **facts: Any) -> None:
    """Tell every observer. One that fails is logged and never stops the work it watches."""
    for observer in _subscribers:
        try:
            observer(stage, facts)
        except BaseException as error:
            # An observer must not be able to fail the work.
            if is_interrupt(error):
                raise
            # What is being handled meanwhile may be a handler's error, whose text is not for the log.
            error.__suppress_context__ = True
            logger.exception("An observer failed at stage %s", stage.value)
