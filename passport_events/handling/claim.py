"""Claim due messages: a compare-and-set in a transaction of its own."""

from __future__ import annotations

import dataclasses
import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from passport_events import conf
from passport_events.db.functions import AnyOf
from passport_events.dispatching.flow_control import FlowControls
from passport_events.dispatching.rate_limits import find_exhausted, limit_messages
from passport_events.handling.fairness import is_full, round_robin, select_fairly
from passport_events.handling.locks import RecordKey, RecordLocks, get_record_key
from passport_events.handling.recovery import recover_expired_leases
from passport_events.instrumentation import Notification, emit
from passport_events.models import ProcessedMessage, Status
from passport_events.models.database import get_database_alias

LOCKED_RECORD_DELAY = timedelta(seconds=1)
"""Delay of messages whose record another worker has locked, so that others are claimed first."""
LARGE_EVENT_FIELDS = 2_000
"""No Salesforce object has so many fields; merging them takes as long as dozens of other events."""
MAX_LARGE_EVENT_DELAY = timedelta(seconds=30)
_DEFERRED_COLUMNS = ("name", "heartbeat_sent_at", "heartbeat_received_at", "created_at", "updated_at")


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """Messages under one lease, in the order of their attempts."""

    lease_token: uuid.UUID
    messages: tuple[ProcessedMessage, ...]
    more: bool
    """Whether another claim at once is likely to find messages."""
    records: tuple[RecordKey, ...] = ()
    """The locked records."""


EMPTY_CLAIM = Claim(uuid.UUID(int=0), (), more=False)


def claim_batch(event_types: Sequence[str], locks: RecordLocks) -> Claim:
    """Claim up to `BATCH_SIZE` due messages, and further due messages of the same records."""
    settings = conf.get_settings()
    with transaction.atomic(using=get_database_alias()):
        controls = _read_controls(locks)
        candidates = select_fairly(event_types, controls, settings.batch_size)
        found = _lock_rows(ProcessedMessage.objects.due().filter(AnyOf("pk", candidates)))
        waiting = recover_expired_leases(found)
        others = _find_same_records(waiting, event_types, settings.batch_size)
        others = [m for m in others if not controls.is_paused(m.event_type, m.organization_id or 0)]
        claim = _claim_rows(waiting + others, controls, locks)
    # If other claims have locked all due rows, another look at once only costs CPU: those workers send
    # hints for the rest, and so does the dispatcher.
    is_cut = len(candidates) >= settings.batch_size or is_full(found)
    more = bool(found) and (is_cut or len(found) > len(waiting))
    return dataclasses.replace(claim, more=more or claim.more)


def claim_isolated(event_types: Sequence[str], locks: RecordLocks) -> Claim:
    """Claim one due message whose worker crashed before, and nothing else."""
    with transaction.atomic(using=get_database_alias()):
        controls = _read_controls(locks)
        due = ProcessedMessage.objects.due().filter(
            controls.open_rows(), isolated=True, event_type__in=controls.open_types(event_types)
        )
        found = _lock_rows(due.order_by("due_at")[:1])
        if not found:
            return EMPTY_CLAIM
        return _claim_rows(recover_expired_leases(found), controls, locks)


def _read_controls(locks: RecordLocks) -> FlowControls:
    """Read pauses and rate limits; an exhausted rate limit is a pause until its next window."""
    controls = FlowControls.read()
    if not controls.rate_limits:
        return controls
    return controls.with_pauses(find_exhausted(locks.redis, controls.rate_limits))


def _lock_rows(messages: QuerySet[ProcessedMessage]) -> list[ProcessedMessage]:
    # A row that another claim has locked will belong to that worker. Of the organization, only the columns
    # that a plan needs are read: times take the driver longest.
    columns = (f"organization__{name}" for name in _DEFERRED_COLUMNS)
    rows = messages.select_related("organization").defer(*columns)
    return list(rows.select_for_update(skip_locked=True, of=("self",)))


def _find_same_records(
    messages: Sequence[ProcessedMessage], event_types: Sequence[str], limit: int
) -> list[ProcessedMessage]:
    """Lock further due messages of the same records, so that one worker has a record's whole backlog."""
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
    records = {get_record_key(message) for message in messages}
    return [message for message in found if get_record_key(message) in records]


def _claim_rows(messages: Sequence[ProcessedMessage], controls: FlowControls, locks: RecordLocks) -> Claim:
    """Claim these locked rows as far as rate limits and record locks allow."""
    lease_token, lease = uuid.uuid4(), timedelta(seconds=conf.get_settings().lease_seconds)
    allowed = list(messages)
    if controls.rate_limits:
        allowed = limit_messages(locks.redis, controls.rate_limits, messages)
    records = list(dict.fromkeys(get_record_key(message) for message in allowed))
    free = locks.acquire(records, lease_token, lease) if records else set()
    claimed = [message for message in allowed if get_record_key(message) in free]
    postponed = [message.pk for message in allowed if get_record_key(message) not in free]
    if postponed:
        ProcessedMessage.objects.filter(pk__in=postponed, status=Status.WAITING).postpone(LOCKED_RECORD_DELAY)
    if claimed:
        rows = ProcessedMessage.objects.filter(AnyOf("pk", [message.pk for message in claimed]))
        if rows.claim(lease_token, lease) < len(claimed):
            # Only on a database without row locks: keep the rows that this lease really holds.
            held = set(rows.held_by(lease_token).values_list("pk", flat=True))
            claimed = [message for message in claimed if message.pk in held]
        emit(Notification.CLAIMED, count=len(claimed))
    locked = tuple(record for record in records if record in free)
    return Claim(lease_token, _move_large_last(_order_fairly(claimed)), bool(postponed), locked)


def _move_large_last(messages: Sequence[ProcessedMessage]) -> tuple[ProcessedMessage, ...]:
    """Move records with a large event to the end, because the others would wait seconds for them.

    Except after MAX_LARGE_EVENT_DELAY: each job may end before the last message of its claim.
    """
    latest = timezone.now() - MAX_LARGE_EVENT_DELAY
    large = {
        get_record_key(message)
        for message in messages
        if len(message.content.get("fields", ())) > LARGE_EVENT_FIELDS
        and message.due_at is not None
        and message.due_at > latest
    }
    if not large:
        return tuple(messages)
    return tuple(sorted(messages, key=lambda message: get_record_key(message) in large))


def _order_fairly(messages: Sequence[ProcessedMessage]) -> tuple[ProcessedMessage, ...]:
    """Order each record by version, records by age, and alternate between organizations.

    The job may end anywhere in this order and unclaim the rest, so the first organization is drawn.
    """
    due: dict[RecordKey, datetime] = {}
    for message in messages:
        if message.due_at is not None:  # claimed rows have a time; for mypy
            key = get_record_key(message)
            due[key] = min(message.due_at, due.get(key, message.due_at))
    in_order = sorted(messages, key=lambda m: (due[get_record_key(m)], m.record_id, m.version, m.pk))
    by_organization: dict[int, list[ProcessedMessage]] = {}
    for message in in_order:
        by_organization.setdefault(message.organization_id or 0, []).append(message)
    drawn = random.sample(sorted(by_organization), len(by_organization))
    groups = {organization: by_organization[organization] for organization in drawn}
    return tuple(round_robin(groups, len(messages)))
