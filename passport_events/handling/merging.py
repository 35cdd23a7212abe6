"""Merging many messages into their records, in the caller's transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from passport_events.event import Event
from passport_events.handling.locks import RecordKey, record_key
from passport_events.mirror.apply import lock_records, merge_all_into, save_merge
from passport_events.mirror.merge import Merged
from passport_events.models import ProcessedMessage, SalesforceRecord


@dataclasses.dataclass(slots=True)
class MergedMessage:
    """A message, and its record as all of them left it."""

    message: ProcessedMessage
    event: Event
    record: SalesforceRecord
    merged: Merged


def merge_all(messages: Iterable[ProcessedMessage]) -> list[MergedMessage]:
    """Lock the records, merge each one's messages in their order, and write each record back once."""
    messages = list(messages)
    records = lock_records(messages)
    of_record: dict[RecordKey, list[tuple[ProcessedMessage, Event]]] = {}
    for message in messages:
        key = record_key(message)
        of_record.setdefault(key, []).append((message, message.to_event()))
    together, changed = {}, []
    for key, own in of_record.items():
        record = records[key]
        merges = merge_all_into(record, [(event, message.pk) for message, event in own])
        for (message, event), merged in zip(own, merges, strict=True):
            together[message.pk] = MergedMessage(message, event, record, merged)
        if any(merged.is_changed for merged in merges):
            changed.append(record)
    save_merge(*changed)
    return [together[message.pk] for message in messages]
