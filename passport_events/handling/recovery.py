"""Recover messages whose lease has expired: their worker is slow, or it crashed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F

from passport_events import conf, fingerprint
from passport_events.clock import ClockTimestamp
from passport_events.handling.retry import RetryPolicy
from passport_events.instrumentation import Notification, emit
from passport_events.models import (
    AttemptOutcome,
    MessageAttempt,
    ProcessedMessage,
    SalesforceRecord,
    Status,
)

MAX_CRASHES = 3
"""An isolated message whose worker crashed so often is dead."""
SLOW_WORKER_DELAY = timedelta(seconds=5)
"""Extension of an expired lease while its worker still locks the record."""


def recover_expired_leases(messages: Sequence[ProcessedMessage]) -> list[ProcessedMessage]:
    """Recover the messages with an expired lease among these locked rows; return the waiting ones.

    Any message of a crashed worker's claim may be the cause, so each is isolated. The crash of a worker that
    had only one isolated message counts as a failed attempt of it. To be called in the claim's transaction.
    """
    waiting = [message for message in messages if message.status == Status.WAITING]
    expired = [message for message in messages if message.status == Status.PROCESSING]
    slow = _find_locked(expired) if expired else set()
    if slow:
        # They would stay due, and every claim would select them first.
        ProcessedMessage.objects.filter(pk__in=slow).extend_expired(SLOW_WORKER_DELAY)
    crashed = [message for message in expired if message.pk not in slow]
    if crashed:
        emit(Notification.CRASHED, message_ids=[message.pk for message in crashed])
        suspects = [message.pk for message in crashed if not message.isolated]
        ProcessedMessage.objects.filter(pk__in=suspects).isolate()
        for message in crashed:
            if message.isolated:
                count_crash(message)
    return waiting


def _find_locked(messages: Sequence[ProcessedMessage]) -> set[int]:
    """Return the messages whose record is locked now: their worker is alive, and only slow."""
    records = SalesforceRecord.objects.filter(
        organization__in={message.organization_id for message in messages},
        record_id__in={message.record_id for message in messages},
    )
    every = set(records.values_list("organization_id", "record_id"))
    unlocked = records.select_for_update(skip_locked=True, no_key=True)
    locked = every - set(unlocked.values_list("organization_id", "record_id"))
    return {message.pk for message in messages if (message.organization_id, message.record_id) in locked}


def count_crash(message: ProcessedMessage) -> None:
    """Record a crash of an isolated message: retry it later, or make it a dead letter."""
    settings = conf.get_settings()
    verdict, details = _decide_death(message, settings.max_retries)
    row = ProcessedMessage.objects.filter(pk=message.pk, lease_token=message.lease_token).expired()
    counted: dict[str, Any] = {
        "crashes": F("crashes") + 1,
        "attempts": F("attempts") + 1,
        "lease_token": None,
        "fingerprint": fingerprint.compute_crash_fingerprint(message.event_type),
    }
    if verdict:
        reason = f"{verdict}: {details}"
        changed = row.update(
            status=Status.DEAD, reason=reason, due_at=None, finished_at=ClockTimestamp(), **counted
        )
    else:
        delay = RetryPolicy.from_settings(settings).delay(message.crashes + 1, random.random())
        changed = row.update(status=Status.WAITING, due_at=ClockTimestamp() + delay, **counted)
    if changed:
        MessageAttempt.objects.create(
            message=message,
            generation=message.generation,
            number=message.attempts + 1,
            outcome=AttemptOutcome.CRASHED,
            error="The worker died while this message ran alone.",
            fingerprint=counted["fingerprint"],
            release=settings.release,
            started_at=message.claimed_at,
            ended_at=ClockTimestamp(),
        )
    if changed and verdict:
        emit(Notification.DIED, message_id=message.pk, reason=verdict)


def _decide_death(message: ProcessedMessage, max_retries: int) -> tuple[str, str]:
    """Return why this crash makes the message a dead letter, with details; empty where it does not."""
    if message.crashes + 1 >= MAX_CRASHES:
        return "poison", f"took its worker with it {MAX_CRASHES} times"
    if message.attempts + 1 > max_retries:
        return "retries used up", "its worker died"
    return "", ""
