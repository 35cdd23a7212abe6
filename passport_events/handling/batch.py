"""Batches: split a claim, merge many messages into their records, and finish many messages."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from passport_events import conf
from passport_events.db.functions import AnyOf, PerRowValue
from passport_events.event import Event
from passport_events.exceptions import LeaseLost
from passport_events.handling.attempt import summarize_merge
from passport_events.handling.locks import RecordKey, get_record_key
from passport_events.handling.plan import Plan
from passport_events.handling.registry import Handler
from passport_events.instrumentation import Notification, emit
from passport_events.mirror.apply import lock_records, merge_all_into, save_merge
from passport_events.mirror.merge import Merged
from passport_events.models import ProcessedMessage, SalesforceRecord, Status
from passport_events.models.database import get_database_alias

MAX_BATCH_SIZE = 20
"""A larger batch gains little: the shared cost is then a twentieth, and the rest is the handler's."""


@dataclasses.dataclass(slots=True)
class MergedMessage:
    """A message, and its record after all messages of the batch were merged."""

    message: ProcessedMessage
    event: Event
    record: SalesforceRecord
    merged: Merged


def split_into_batches(
    messages: Sequence[ProcessedMessage], handler: Handler | None
) -> list[list[ProcessedMessage]]:
    """Split into batches that may share a transaction, if the handler allows it; else into single messages.

    The messages of a batch are about different records, so that a handler gets its record as this message
    left it. The messages of one record keep their order. A message that failed before is a batch of its
    own, because another failure would undo the others.
    """
    if handler is None or not handler.shares_transaction:
        return [[message] for message in messages]
    batches: list[list[ProcessedMessage]] = []
    for different_records in _split_by_record_order(messages):
        batches += ([message] for message in different_records if has_failed(message))
        fresh = [message for message in different_records if not has_failed(message)]
        batches += (fresh[at : at + MAX_BATCH_SIZE] for at in range(0, len(fresh), MAX_BATCH_SIZE))
    return batches


def _split_by_record_order(messages: Iterable[ProcessedMessage]) -> Iterable[list[ProcessedMessage]]:
    """Return the first message of each record, then the second of each, and so on."""
    counts: Counter[tuple[int | None, str]] = Counter()
    rounds: dict[int, list[ProcessedMessage]] = {}
    for message in messages:
        record = (message.organization_id, message.record_id)
        rounds.setdefault(counts[record], []).append(message)
        counts[record] += 1
    return rounds.values()


def has_failed(message: ProcessedMessage) -> bool:
    """Return whether an attempt of this generation failed or was deferred."""
    return message.attempts > 0 or message.deferred_since is not None


def merge_batch(messages: Sequence[ProcessedMessage], plan: Plan, lease_token: UUID) -> None:
    """Merge and finish messages without a handler in one transaction of three statements.

    Raises LeaseLost when the lease does not hold one of them any more; then all of it is rolled back.
    """
    with transaction.atomic(using=get_database_alias()):
        summaries = None
        if plan.merges:
            summaries = {one.message.pk: summarize_merge(one.merged) for one in merge_messages(messages)}
        ids = [message.pk for message in messages]
        finish_batch(ids, summaries, plan.status, plan.reason, lease_token)
    for message in messages:
        emit(Notification(plan.status), message_id=message.pk, event_type=message.event_type)


def merge_messages(messages: Iterable[ProcessedMessage]) -> list[MergedMessage]:
    """Lock the records, merge each record's messages in their order, and write each record once.

    To be called in a transaction.
    """
    messages = list(messages)
    records = lock_records(messages)
    by_record: dict[RecordKey, list[tuple[ProcessedMessage, Event]]] = {}
    for message in messages:
        by_record.setdefault(get_record_key(message), []).append((message, message.to_event()))
    results, changed = {}, []
    for key, pairs in by_record.items():
        record = records[key]
        merges = merge_all_into(record, [(event, message.pk) for message, event in pairs])
        for (message, event), merged in zip(pairs, merges, strict=True):
            results[message.pk] = MergedMessage(message, event, record, merged)
        if any(merged.is_changed for merged in merges):
            changed.append(record)
    save_merge(*changed)
    return [results[message.pk] for message in messages]


def finish_batch(
    ids: Collection[int],
    summaries: Mapping[int, Mapping[str, Any]] | None,
    status: Status,
    reason: str,
    lease_token: UUID,
) -> None:
    """Finish messages in one statement; `summaries` are their `merged` columns, None if nothing was merged.

    Raises LeaseLost when the lease does not hold one of them any more.
    """
    merged = {} if summaries is None else {"merged": PerRowValue(summaries)}
    columns = {"reason": reason, "attempts": F("attempts") + 1, "release": conf.get_settings().release}
    rows = ProcessedMessage.objects.filter(AnyOf("pk", ids))
    finished = rows.finish(lease_token, status, **columns, **merged)
    if finished < len(ids):
        raise LeaseLost(f"{len(ids) - finished} of {len(ids)} messages are held by another worker")
