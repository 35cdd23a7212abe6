"""Merging into the rows of the mirror, under the row lock that keeps two workers apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from passport_events import conf
from passport_events.db.bulk import insert_many, update_many
from passport_events.db.compiled import CompiledSelect, CompiledUpdate, make_placeholders
from passport_events.db.functions import AnyOf
from passport_events.event import Event
from passport_events.mirror.merge import Merged, Write, merge
from passport_events.mirror.state import RecordState
from passport_events.models import ProcessedMessage, SalesforceRecord

WRITTEN = ("fields", "merge_state", "version", "is_deleted", "is_complete", "needs_refetch", "updated_at")

_LOCKED = CompiledSelect(
    lambda: SalesforceRecord.objects.select_for_update(no_key=True).filter(
        **make_placeholders(SalesforceRecord, "organization", "record_id")
    ),
    SalesforceRecord,
)
_WRITE_BACK = CompiledUpdate(
    lambda: SalesforceRecord.objects.filter(**make_placeholders(SalesforceRecord, "id")),
    SalesforceRecord,
    **make_placeholders(SalesforceRecord, *WRITTEN),
)

_EMPTY = RecordState()


def ensure_records(messages: Sequence[ProcessedMessage]) -> None:
    """Make a stub row for every record that has none, in a transaction of its own; pointers have no record.

    A lock needs a row; and two workers that both insert the first row of a record would wait for
    each other inside their effect transactions.
    """
    messages = [message for message in messages if not message.is_pointer]
    wanted = {(message.organization_id or 0, message.record_id): message for message in messages}
    known = SalesforceRecord.objects.filter(
        AnyOf("organization", {message.organization_id or 0 for message in messages}),
        AnyOf("record_id", {message.record_id for message in messages}),
    ).values_list("organization_id", "record_id")
    missing = sorted(wanted.keys() - set(known))
    if missing:
        with transaction.atomic(using=router.db_for_write(SalesforceRecord)):
            insert_many(
                [
                    SalesforceRecord(organization_id=key[0], record_id=key[1], entity=wanted[key].entity)
                    for key in missing
                ],
                once_by=("organization", "record_id"),  # another worker was first; any stub is as good
            )


def lock_record(message: ProcessedMessage) -> SalesforceRecord:
    """The record of a message, locked until the transaction ends."""
    return _LOCKED.get(organization=message.organization_id, record_id=message.record_id)


def lock_records(messages: Iterable[ProcessedMessage]) -> dict[tuple[int, str], SalesforceRecord]:
    """The records of many messages, locked in one order that all workers share."""
    pairs = {(message.organization_id or 0, message.record_id) for message in messages}
    rows = (
        SalesforceRecord.objects.select_for_update(no_key=True)
        .filter(
            AnyOf("organization", {pair[0] for pair in pairs}),
            AnyOf("record_id", {pair[1] for pair in pairs}),
        )
        .order_by("pk")
    )
    return {(row.organization_id, row.record_id): row for row in rows}


def merge_into(record: SalesforceRecord, event: Event, message_id: int) -> Merged:
    """Merge an event into a locked record, in memory; `save_merge` writes it."""
    (merged,) = merge_all_into(record, [(event, message_id)])
    return merged


def merge_all_into(record: SalesforceRecord, events: Sequence[tuple[Event, int]]) -> list[Merged]:
    """The same for events with their messages' keys, in their order; only the last has the record's state.

    A record may have tens of thousands of fields, so it is taken apart and put together once for all.
    """
    keep = conf.get_settings().mirror_fields
    return _apply_writes(
        record, [Write.of_event(event, key, keep.get(event.entity)) for event, key in events]
    )


def merge_reading(record: SalesforceRecord, observed_ms: int, fields: Mapping[str, Any] | None) -> Merged:
    """Merge what a re-read saw into a locked record, in memory; None where Salesforce has no such record."""
    keep = conf.get_settings().mirror_fields.get(record.entity)
    (merged,) = _apply_writes(record, [Write.of_reading(observed_ms, fields, keep)])
    return merged


def _apply_writes(record: SalesforceRecord, writes: Sequence[Write]) -> list[Merged]:
    merges = _merge_in_order(RecordState.from_json(record.merge_state, record.fields), writes)
    state = merges[-1].state
    record.fields = state.fields
    record.merge_state = state.to_json()
    record.version = state.newest.version.value if state.newest else ""
    record.is_deleted = state.is_deleted
    record.is_complete = state.is_complete
    record.needs_refetch = state.needs_refetch
    return merges


def _merge_in_order(state: RecordState, writes: Sequence[Write]) -> list[Merged]:
    done: list[Merged] = []
    for write in writes[:-1]:
        merged = merge(state, write)
        state = merged.state
        # The states in between go: two hundred of a large record would fill the memory.
        done.append(dataclasses.replace(merged, state=_EMPTY))
    return [*done, merge(state, writes[-1])]


def save_merge(*records: SalesforceRecord) -> None:
    """Write merged records back."""
    now = timezone.now()
    for record in records:
        record.updated_at = now
    if len(records) == 1:
        # What takes many rows out of one parameter costs PostgreSQL more than a row.
        _WRITE_BACK.run(id=records[0].pk, **{name: getattr(records[0], name) for name in WRITTEN})
    else:
        update_many(records, WRITTEN)
