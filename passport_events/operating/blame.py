"""Explain a record: which message wrote each field, and which messages came out of order."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from passport_events.event import Version, VersionKind
from passport_events.mirror.state import UNKNOWN, RecordState, Stamp
from passport_events.models import ProcessedMessage, SalesforceRecord
from passport_events.operating.text import format_line

MAX_LATE = 25
"""Out-of-order messages that are listed; each may name thousands of fields."""
MAX_NAMED = 20
"""Fields that a sentence lists."""


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """The message that wrote a value, and the time of its version."""

    message: int | None
    """Primary key; None for a snapshot."""
    time: datetime

    @classmethod
    def from_stamp(cls, stamp: Stamp) -> Origin:
        """From the stamp that a merge stores."""
        return cls(stamp.message or None, stamp.version.time)


@dataclasses.dataclass(frozen=True, slots=True)
class FieldBlame:
    """One field of a record."""

    name: str
    value: Any
    origin: Origin
    is_unknown: bool
    """True if it changed to a value that no event carried."""
    is_contested: bool
    """True if events of one version gave it different values."""


@dataclasses.dataclass(frozen=True, slots=True)
class LateMessage:
    """A message that came out of order, and the fields that were skipped."""

    message: int
    time: datetime
    change: str
    lost: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Blame:
    """The explanation of one record."""

    fields: tuple[FieldBlame, ...]
    floor: Origin | None
    """The newest event that covered every field; it removed absent fields."""
    floor_change: str
    late: tuple[LateMessage, ...]
    refetch_reasons: tuple[str, ...]
    """Why the record must be refetched; empty if every value is certain."""


def explain_record(record: SalesforceRecord) -> Blame:
    """Explain a record. One query, for the late messages."""
    state = RecordState.from_json(record.merge_state, record.fields)
    # Many fields share a stamp, and parsing its time is slow.
    stamps = {id(cell.stamp): cell.stamp for cell in state.cells.values()}
    origin_of = {key: Origin.from_stamp(stamp) for key, stamp in stamps.items()}
    fields = tuple(
        FieldBlame(
            name=name,
            value=None if cell.value is UNKNOWN else cell.value,
            origin=origin_of[id(cell.stamp)],
            is_unknown=cell.value is UNKNOWN,
            is_contested=cell.is_contested,
        )
        for name, cell in sorted(state.cells.items())
    )
    return Blame(
        fields=fields,
        floor=Origin.from_stamp(state.floor) if state.floor else None,
        floor_change=state.floor_change or "",
        late=tuple(_list_late(_find_stale(record))),
        refetch_reasons=tuple(_explain_refetch(state)),
    )


def find_writers(record: SalesforceRecord) -> dict[str, int | None]:
    """The message that wrote each field's current value; None for a snapshot."""
    cells = RecordState.from_json(record.merge_state, record.fields).cells
    return {name: cell.stamp.message or None for name, cell in cells.items()}


def _find_stale(record: SalesforceRecord) -> Iterable[ProcessedMessage]:
    stale = ProcessedMessage.objects.filter(
        organization=record.organization_id, record_id=record.record_id, merged__stale=True
    )
    return stale.only("change", "version_kind", "version", "merged").order_by("-version")[:MAX_LATE]


def _list_late(messages: Iterable[ProcessedMessage]) -> Iterator[LateMessage]:
    for message in messages:
        if lost := message.merged["lost"]:
            yield LateMessage(message.pk, get_version_time(message), message.change, tuple(lost))


def get_version_time(message: ProcessedMessage) -> datetime:
    """When Salesforce committed the event of a message, in UTC."""
    return Version(VersionKind(message.version_kind), message.version).time


def _explain_refetch(state: RecordState) -> Iterator[str]:
    if not state.needs_refetch:
        return
    if state.floor is None:
        yield "The record was never seen whole: it was first met through an update."
    if state.unknown:
        yield f"Changed to a value that no event carried: {_join_names(state.unknown)}."
    if state.contested:
        yield f"Events of one version gave different values: {_join_names(state.contested)}."
    if state.floor_contested:
        yield "Events of one version disagree on whether the record is deleted."
    if state.misses_undelete:
        yield "It was deleted and updated later: the event that restored it is missing."
    if state.is_dirty:
        yield "A gap event said that something changed, and not what."
    if len(state.kinds) > 1:
        yield f"Versions of several kinds cannot be ordered: {', '.join(sorted(state.kinds))}."


def _join_names(names: Collection[str]) -> str:
    more = len(names) - MAX_NAMED
    named = ", ".join(format_line(name) for name in islice(names, MAX_NAMED))
    return named if more <= 0 else f"{named} and {more:,} more"
