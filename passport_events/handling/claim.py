"""Taking due messages into hand: a compare-and-set that commits by itself."""

from __future__ import annotations

import dataclasses
import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from passport_events import conf
from passport_events.db.functions import AnyOf
from passport_events.dispatching.flow_control import FlowControls
from passport_events.dispatching.rate_limits import allow, used_up
from passport_events.handling.fairness import is_full, round_robin, select_fairly
from passport_events.handling.locks import RecordKey, RecordLocks, record_key
from passport_events.handling.recovery import recover_expired_leases
from passport_events.instrumentation import Notification, emit
from passport_events.models import ProcessedMessage, Status

LOCKED_RECORD_DELAY = timedelta(seconds=1)
"""Messages of a record that another worker holds step aside this long, so that others come first."""
LARGE_EVENT_FIELDS = 2_000
"""Of one event. No object of Salesforce has so many; merging them takes as long as dozens of other events."""
MAX_LARGE_EVENT_DELAY = timedelta(seconds=30)


_DEFERRED_COLUMNS = ("name", "heartbeat_sent_at", "heartbeat_received_at", "created_at", "updated_at")


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """Messages in hand, in the order they shall be worked on."""

    lease_token: uuid.UUID
    messages: tuple[ProcessedMessage, ...]
    more: bool
    """Whether it is worth looking again at once."""

    @property
    def records(self) -> list[RecordKey]:
        """The records they are about."""
        return list(dict.fromkeys(record_key(message) for message in self.messages))


EMPTY_CLAIM = Claim(uuid.UUID(int=0), (), more=False)


def claim_batch(event_types: Sequence[str], locks: RecordLocks) -> Claim:
    """Take up to `BATCH_SIZE` due messages, with all that is due of their records."""
    settings = conf.current()
    with transaction.atomic(using=router.db_for_write(ProcessedMessage)):
        controls = _read_controls(locks)
        candidates = select_fairly(event_types, controls, settings.batch_size)
        found = _lock_rows(ProcessedMessage.objects.due().filter(AnyOf("pk", candidates)))
        waiting = recover_expired_leases(found)
        companions = _find_same_records(waiting, event_types, settings.batch_size)
        companions = [m for m in companions if not controls.is_paused(m.event_type, m.organization_id or 0)]
        claim = _claim_rows(waiting + companions, controls, locks)
    # Where others have locked all that is due, looking again at once would burn a processor until they
    # are done: who claimed them hints at the rest, and so does the dispatcher.
    is_cut = len(candidates) >= settings.batch_size or is_full(found)
    more = bool(found) and (is_cut or len(found) > len(waiting))
    return dataclasses.replace(claim, more=more or claim.more)


def claim_isolated(event_types: Sequence[str], locks: RecordLocks) -> Claim:
    """Take one due message whose worker died before, and nothing else."""
    with transaction.atomic(using=router.db_for_write(ProcessedMessage)):
        controls = _read_controls(locks)
        due = ProcessedMessage.objects.due().filter(
            controls.open_rows(), isolated=True, event_type__in=controls.open_types(event_types)
        )
        found = _lock_rows(due.order_by("due_at")[:1])
        return _claim_rows(recover_expired_leases(found), controls, locks)


def _read_controls(locks: RecordLocks) -> FlowControls:
    """What is in force; a throttle that is used up is a pause until its next window."""
    controls = FlowControls.in_force()
    if not controls.rate_limits:
        return controls
    return controls.with_pauses(used_up(locks.redis, controls.rate_limits))


def _lock_rows(messages: QuerySet[ProcessedMessage]) -> list[ProcessedMessage]:
    # A row that another claim has locked is another worker's in a moment: skip it.
    # Of the organization only what a plan is made by: the driver takes longest for times.
    rows = messages.select_related("organization").defer(
        *(f"organization__{name}" for name in _DEFERRED_COLUMNS)
    )
    return list(rows.select_for_update(skip_locked=True, of=("self",)))


def _find_same_records(
    messages: Sequence[ProcessedMessage], event_types: Sequence[str], limit: int
) -> list[ProcessedMessage]:
    """Everything else that is due of the same records, so that one worker has a record's whole backlog."""
    messages = [message for message in messages if message.record_id]
    if not messages:
        return []
    found = _lock_rows(
        ProcessedMessage.objects.due()
        .filter(
            AnyOf("organization", {message.organization_id or 0 for message in messages}),
            AnyOf("record_id", {message.record_id for message in messages}),
            event_type__in=event_types,
            status=Status.WAITING,
            isolated=False,
        )
        .exclude(AnyOf("pk", [message.pk for message in messages]))
        .order_by("version")[:limit]
    )
    records = {record_key(message) for message in messages}
    return [message for message in found if record_key(message) in records]


def _claim_rows(messages: Sequence[ProcessedMessage], controls: FlowControls, locks: RecordLocks) -> Claim:
    lease_token, lease = uuid.uuid4(), timedelta(seconds=conf.current().lease_seconds)
    allowed = allow(locks.redis, controls.rate_limits, messages) if controls.rate_limits else list(messages)
    records = list(dict.fromkeys(record_key(message) for message in allowed))
    free = locks.acquire(records, lease_token, lease) if records else set()
    taken = [message for message in allowed if record_key(message) in free]
    parked = [message.pk for message in allowed if record_key(message) not in free]
    if parked:
        ProcessedMessage.objects.filter(pk__in=parked, status=Status.WAITING).park(LOCKED_RECORD_DELAY)
    if taken:
        rows = ProcessedMessage.objects.filter(AnyOf("pk", [message.pk for message in taken]))
        if rows.claim(lease_token, lease) < len(taken):
            # Only where rows cannot be locked: keep what we really got.
            held = set(rows.held_by(lease_token).values_list("pk", flat=True))
            taken = [message for message in taken if message.pk in held]
        emit(Notification.CLAIMED, count=len(taken))
    return Claim(lease_token, _move_large_last(_order_fairly(taken)), more=bool(parked))


def _move_large_last(messages: Sequence[ProcessedMessage]) -> tuple[ProcessedMessage, ...]:
    """Records with a large event come last, which others would wait seconds for.

    Unless one has waited for long itself: a time slice may end before the last of each claim.
    """
    latest = timezone.now() - MAX_LARGE_EVENT_DELAY
    large = {
        record_key(message)
        for message in messages
        if len(message.content.get("fields", ())) > LARGE_EVENT_FIELDS
        and message.due_at is not None
        and message.due_at > latest
    }
    if not large:
        return tuple(messages)
    return tuple(sorted(messages, key=lambda message: record_key(message) in large))


def _order_fairly(messages: Sequence[ProcessedMessage]) -> tuple[ProcessedMessage, ...]:
    """Each record in version order, the longest waiting first; organizations take turns.

    A time slice may end anywhere in it and give back the rest, so nobody may always come first.
    """
    due: dict[RecordKey, datetime] = {}
    for message in messages:
        if message.due_at is not None:  # claimed rows are due; for mypy
            due[record_key(message)] = min(message.due_at, due.get(record_key(message), message.due_at))
    in_order = sorted(messages, key=lambda m: (due[record_key(m)], m.record_id, m.version, m.pk))
    own: dict[int, list[ProcessedMessage]] = {}
    for message in in_order:
        own.setdefault(message.organization_id or 0, []).append(message)
    shuffled = random.sample(sorted(own), len(own))
    return tuple(round_robin({organization: own[organization] for organization in shuffled}, len(messages)))
