"""Messages whose lease ended in somebody's hands: slow, crashed, or poison."""

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
"""A message that ran alone and took its worker with it so often is poison."""
SLOW_WORKER_DELAY = timedelta(seconds=5)
"""How long a slow worker is left alone before anybody looks again."""


def recover_expired_leases(messages: Sequence[ProcessedMessage]) -> list[ProcessedMessage]:
    """Deal with the abandoned ones of these locked rows, and return the waiting ones.

    Any of a dead worker's batch may have killed it, so each runs alone from now on. One that was
    alone already is to blame: it has used an attempt, and the third such crash makes it a dead
    letter, as does one that was its last attempt. To be called inside the claim's transaction.
    """
    waiting = [message for message in messages if message.status == Status.WAITING]
    abandoned = [message for message in messages if message.status == Status.PROCESSING]
    slow = _find_locked(abandoned) if abandoned else set()
    if slow:
        # Otherwise they were due all the time, and every claim would find them first.
        ProcessedMessage.objects.filter(pk__in=slow).spare(SLOW_WORKER_DELAY)
    crashed = [message for message in abandoned if message.pk not in slow]
    if crashed:
        emit(Notification.CRASHED, message_ids=[message.pk for message in crashed])
        in_company = [message.pk for message in crashed if not message.isolated]
        ProcessedMessage.objects.filter(pk__in=in_company).isolate()
        for message in crashed:
            if message.isolated:
                count_crash(message)
    return waiting


def _find_locked(messages: Sequence[ProcessedMessage]) -> set[int]:
    """Those whose record is locked at this moment: their worker lives, and is only slow."""
    mirrored = SalesforceRecord.objects.filter(
        organization__in={message.organization_id for message in messages},
        record_id__in={message.record_id for message in messages},
    )
    every = set(mirrored.values_list("organization_id", "record_id"))
    unlocked = mirrored.select_for_update(skip_locked=True, no_key=True)
    locked = every - set(unlocked.values_list("organization_id", "record_id"))
    return {message.pk for message in messages if (message.organization_id, message.record_id) in locked}


def count_crash(message: ProcessedMessage) -> None:
    """Record a crash of an isolated message: retry it later, or make it a dead letter."""
    settings = conf.current()
    verdict, why = _decide_death(message, settings.max_retries)
    row = ProcessedMessage.objects.filter(pk=message.pk, lease_token=message.lease_token).abandoned()
    counted: dict[str, Any] = {
        "crashes": F("crashes") + 1,
        "attempts": F("attempts") + 1,
        "lease_token": None,
        "fingerprint": fingerprint.of_crash(message.event_type),
    }
    if verdict:
        reason = f"{verdict}: {why}"
        changed = row.update(
            status=Status.DEAD, reason=reason, due_at=None, finished_at=ClockTimestamp(), **counted
        )
    else:
        delay = RetryPolicy.of(settings).delay(message.crashes + 1, random.random())
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
    """Why another crash alone makes it a dead letter; empty where it does not."""
    if message.crashes + 1 >= MAX_CRASHES:
        return "poison", f"took its worker with it {MAX_CRASHES} times"
    if message.attempts + 1 > max_retries:
        return "retries used up", "its worker died"
    return "", ""
