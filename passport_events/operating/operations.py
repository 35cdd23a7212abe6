"""What operators do to rows, as values: which rows a change means, and what becomes of them.

Every change is a compare-and-set: two operators, a double click, or two processes at one step change
a row once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Case, Q, Value, When

from passport_events.clock import ClockTimestamp, StatementTimestamp
from passport_events.event import S3_POINTER
from passport_events.exceptions import OperationRefused
from passport_events.models import ActionKind, ProcessedMessage, Status
from passport_events.operating import audit_log
from passport_events.operating.audit_log import Actor
from passport_events.operating.selection import Messages, Selection, find_newest


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be done to many messages."""

    kind: ActionKind
    permission: str
    """Of Django; asked by the admin."""
    changeable: Q
    """Rows that it means, as they stand at that moment."""
    columns: Mapping[str, Any]
    """What is written into them."""
    most: int | None = None
    """Messages of one step, where these are more work than others."""
    needs_reason: bool = True
    can_mean_everything: bool = True
    """True if a selection without a filter can be confirmed; else it is always refused."""

    def check(self, selection: Selection, *, everything: bool = False) -> None:
        """Raises OperationRefused for a selection without a filter, unless `everything` confirms it."""
        if not selection.is_narrow and not (everything and self.can_mean_everything):
            raise OperationRefused(f"Refusing to {self.kind} everything: add a filter.")

    def check_reason(self, reason: str) -> None:
        """Raises OperationRefused where one is needed and missing."""
        if self.needs_reason and not reason.strip():
            raise OperationRefused(f"A reason is required to {self.kind}.")

    def filter_eligible(self, messages: Messages) -> Messages:
        """Those of them that it would change now."""
        return messages.filter(self.changeable)

    def lock(self, messages: Messages, most: int) -> list[int]:
        """The first of those, locked in the one order that keeps two operators from a deadlock."""
        rows = self.filter_eligible(messages).order_by("pk").select_for_update(of=("self",))
        return list(rows.values_list("pk", flat=True)[:most])

    def apply(self, ids: Collection[int], action: int) -> int:
        """Change these for an action, as far as they can still be changed; returns how many."""
        if not ids:
            return 0
        rows = self.filter_eligible(ProcessedMessage.objects.filter(pk__in=ids))
        return rows.update(**self.columns, last_action=action)


MAX_IDS = 1_000
"""Messages that change at once. For more, `background` works in steps."""

MAX_CANDIDATES = 5
"""Others may send them back at the same moment."""

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

RETRY = Operation(
    kind=ActionKind.RETRY,
    permission="passport_events.retry_message",
    changeable=RETRYABLE,
    columns={
        "status": Status.WAITING,
        "due_at": ClockTimestamp(),
        "finished_at": None,
        "attempts": 0,
        "crashes": 0,
        "isolated": False,
        "deferred_since": None,
        "reason": "",
    },
)
# After a failure, or because a handler said RetryLater; a record that another worker holds is no reason.
RETRY_NOW = Operation(
    kind=ActionKind.RETRY_NOW,
    permission="passport_events.retry_message",
    changeable=Q(status=Status.WAITING, due_at__gt=StatementTimestamp())
    & (Q(attempts__gt=0) | Q(deferred_since__isnull=False)),
    # Attempts stay, and so does since when a handler has put it off: it is only not waited for.
    columns={"due_at": ClockTimestamp()},
)
DISCARD = Operation(
    kind=ActionKind.DISCARD,
    permission="passport_events.discard_message",
    changeable=DISCARDABLE,
    columns={"status": Status.DISCARDED, "finished_at": ClockTimestamp()},
)
RESTORE = Operation(
    kind=ActionKind.RESTORE,
    permission="passport_events.discard_message",
    changeable=RESTORABLE,
    columns={"status": _BEFORE_DISCARD},
    needs_reason=False,
)


def retry(messages: Messages, actor: Actor, reason: str) -> int:
    """Send dead letters, and pointers to what could not be read, back with all their attempts.

    Returns how many went. Raises OperationRefused without a reason.

    The generation stays, and with it the idempotency key: nothing that succeeded is done again.
    """
    return _change(RETRY, messages, actor, reason)


def discard(messages: Messages, actor: Actor, reason: str) -> int:
    """Put dead letters and quarantined messages aside; returns how many.

    The row keeps the reason why it failed; the reason why it was discarded is in the journal.
    """
    return _change(DISCARD, messages, actor, reason)


def restore(messages: Messages, actor: Actor, reason: str = "") -> int:
    """Make discarded messages what they were, dead or quarantined; returns how many."""
    return _change(RESTORE, messages, actor, reason)


def retry_newest(selection: Selection, actor: Actor, reason: str) -> int | None:
    """Send the newest of these back as a trial, before the rest; returns which, or None if none can go.

    The newest, because it is the one that purging forgets last. Raises OperationRefused without a filter:
    the newest of all is likely another failure than the one that was fixed.
    """
    RETRY.check(selection)
    for pk in find_newest(RETRY.filter_eligible(selection.bounded()), MAX_CANDIDATES).values_list(
        "pk", flat=True
    ):
        if retry(ProcessedMessage.objects.filter(pk=pk), actor, reason):
            return pk
    return None


def _change(change: Operation, messages: Messages, actor: Actor, reason: str) -> int:
    change.check_reason(reason)
    with transaction.atomic(using=audit_log.get_database_alias()):
        wanted = list(messages.order_by("pk").values_list("pk", flat=True)[:MAX_IDS])
        found = change.lock(ProcessedMessage.objects.filter(pk__in=wanted), MAX_IDS)
        if not found:
            return 0  # the second of two clicks did nothing, and leaves no row
        only = found[0] if len(found) == 1 else None
        # First, because its number is written into what it changes. They are locked: all of them will be.
        action = audit_log.add_entry(change.kind, actor, len(found), reason=reason, message_id=only)
        changed = change.apply(found, action.pk)
        audit_log.announce(change.kind, actor, changed)
    return changed
