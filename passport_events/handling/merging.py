"""Merging many messages into their records, in the caller's transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from passport_events.event import Event
from passport_events.mirror.apply import lock_records, merge_into, save_merge
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
    """Lock the records, merge in the order of the messages, and write each record back once."""
    messages = list(messages)
    records = lock_records(messages)
    together, changed = [], {}
    for message in messages:
        record, event = records[message.organization_id or 0, message.record_id], message.to_event()
        merged = merge_into(record, event, message.pk)
        together.append(MergedMessage(message, event, record, merged))
        if merged.is_changed:
            changed[record.pk] = record
    save_merge(*changed.values())
    return together
