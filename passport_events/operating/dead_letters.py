"""What an operator does with messages that nobody works on any more.

Every verb is a compare-and-set on the status: two operators, or a double click, change a row once,
and a row that is waiting or held by a worker is never touched.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When

from passport_events.clock import ClockTimestamp
from passport_events.event import S3_POINTER
from passport_events.models import ActionKind, ProcessedMessage, Status
from passport_events.operating import journal
from passport_events.operating.actor import Actor

MOST_AT_ONCE = 1_000
"""Messages that one operation changes; the rest of a larger selection stays as it is."""

# What a pointer leads to may be put right in S3, or by a setting; a delivery stays as it came.
_CAN_END_OTHERWISE = Q(status=Status.DEAD) | Q(status=Status.QUARANTINED, event_type=S3_POINTER)
# A row whose content was redacted has nothing left to handle.
RETRYABLE = _CAN_END_OTHERWISE & ~Q(content={})
DISCARDABLE = Q(status__in=(Status.DEAD, Status.QUARANTINED))
RESTORABLE = Q(status=Status.DISCARDED)

# Whatever quarantines a row leaves it as if nobody had claimed it, so one that was claimed was dead.
_BEFORE_DISCARD = Case(
    When(claimed_at__isnull=False, then=Value(Status.DEAD.value)), default=Value(Status.QUARANTINED.value)
)

Messages = QuerySet[ProcessedMessage]


def retry(messages: Messages, actor: Actor, reason: str) -> int:
    """Send dead letters, and pointers to what could not be read, back with all their attempts.

    Returns how many went.

    The generation stays, and with it the idempotency key: nothing that succeeded is done again.
    """
    return _change(
        messages,
        RETRYABLE,
        ActionKind.RETRY,
        actor,
        reason,
        status=Status.WAITING,
        due_at=ClockTimestamp(),
        finished_at=None,
        attempts=0,
        crashes=0,
        runs_alone=False,
        put_off_since=None,
    )


def discard(messages: Messages, actor: Actor, reason: str) -> int:
    """Put dead letters and quarantined messages aside; returns how many.

    The row keeps the reason why it failed; the reason why it was discarded is in the journal.
    """
    return _change(
        messages,
        DISCARDABLE,
        ActionKind.DISCARD,
        actor,
        reason,
        status=Status.DISCARDED,
        finished_at=ClockTimestamp(),
    )


def restore(messages: Messages, actor: Actor, reason: str = "") -> int:
    """Make discarded messages what they were, dead or quarantined; returns how many."""
    return _change(messages, RESTORABLE, ActionKind.RESTORE, actor, reason, status=_BEFORE_DISCARD)


def _change(
    messages: Messages, changeable: Q, kind: ActionKind, actor: Actor, reason: str, **changes: Any
) -> int:
    with transaction.atomic(using=journal.database()):
        wanted = list(messages.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
        rows = ProcessedMessage.objects.filter(changeable, pk__in=wanted)
        # Locked in one order, so that two operators with overlapping selections do not deadlock.
        found = list(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
        changed = ProcessedMessage.objects.filter(changeable, pk__in=found).update(**changes)
        only = found[0] if len(found) == 1 else None
        journal.write(kind, actor, changed, reason=reason, message_id=only)
    return changed
