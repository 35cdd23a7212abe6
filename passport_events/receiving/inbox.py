"""Storing deliveries: each event once, and nothing counted as stored before it was found again."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence

from django.db import DataError, IntegrityError

from passport_events import conf
from passport_events.conf import Settings
from passport_events.event import Identity
from passport_events.exceptions import Unreadable
from passport_events.instrumentation import Notification, emit
from passport_events.models import Delivery, ProcessedMessage, Status
from passport_events.receiving import organization_cache, organization_heartbeats, queries
from passport_events.receiving.dedup import is_stored, known, only_new
from passport_events.receiving.drafts import (
    Draft,
    delivery_of,
    drafts_of,
    organizations_of,
    quarantine_facts,
    refused_by_database,
)
from passport_events.receiving.organization_heartbeats import Heard, heard_in
from passport_events.wire import ParsedDelivery, parse_delivery
from passport_events.wire.envelope import Envelope
from passport_events.wire.raw_delivery import RawDelivery

DATA_ERRORS = (DataError, IntegrityError, ValueError, OverflowError)
"""What one bad delivery can cause. psycopg refuses NUL with a DataError, surrogates with a UnicodeError."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch of deliveries."""

    safe: tuple[RawDelivery, ...]
    """Committed and found again: these, and only these, may be deleted from SQS."""
    due_types: frozenset[str]
    """Event types that have something new to handle."""
    new: int = 0
    """Two writers that store the same event at the same moment both count it; there is one row."""
    duplicates: int = 0
    quarantined: int = 0
    """Those of the new ones that wait for a person."""


def store(received: Sequence[RawDelivery]) -> Stored:
    """Store a batch in at most four statements, unless one of its deliveries is refused.

    One more where a key has two meanings, to see what is kept of the other. And one more records
    organization heartbeats, where there are any: after the rest, so that no event waits for the row of
    an organization. Raises the database's errors: then nothing may be deleted.
    """
    started = time.perf_counter()
    drafts, heard = _read_all(received)
    try:
        stored = _store_drafts(received, drafts)
    except DATA_ERRORS:
        # A deleted organization is refused like bad data: look up the organizations again.
        organization_cache.forget_local()
        drafts, heard = _read_all(received)
        stored = _one_by_one(received, drafts)
    seconds = time.perf_counter() - started
    emit(Notification.STORED, count=stored.new, duplicates=stored.duplicates, seconds=seconds)
    return dataclasses.replace(stored, safe=(*stored.safe, *organization_heartbeats.record(heard)))


def _read_all(received: Sequence[RawDelivery]) -> tuple[list[Draft], list[Heard]]:
    settings = conf.current()
    readings = [read_guarded(each, settings) for each in received]
    wanted = organizations_of(readings)
    known = organization_cache.lookup(wanted) if wanted else {}
    drafts = [
        draft
        for each, reading in zip(received, readings, strict=True)
        for draft in drafts_of(each, reading, known)
    ]
    return drafts, heard_in(received, readings, known)


def read_guarded(received: RawDelivery, settings: Settings, outer: Envelope | None = None) -> ParsedDelivery:
    """As `wire.parse_delivery`; a reader's own bug stops the delivery that shows it, and no other."""
    try:
        return parse_delivery(received, settings, outer)
    except Exception as error:  # noqa: BLE001  # whatever a bug raises
        return ParsedDelivery(
            wire_format="unknown",
            envelope=None,
            events=(),
            refusal=Unreadable("reader_failed", type(error).__name__),
            arrived_as=("sqs", received.message_id),
        )


def _store_drafts(received: Sequence[RawDelivery], drafts: Sequence[Draft]) -> Stored:
    stored = known(drafts, queries.find)
    fresh = only_new(drafts, stored)
    if fresh:
        queries.insert(_by_delivery(fresh))
        # Read back: a commit whose answer is lost, or a failover, must not cost a delivery.
        stored |= queries.find({draft.message.dedup_key for draft in fresh})
    quarantined = [draft for draft in fresh if draft.message.status == Status.QUARANTINED]
    for draft in quarantined:
        emit(Notification.QUARANTINED, **quarantine_facts(draft.message, draft.message.delivery))
    # A delivery that brought nothing to store is in neither set, and stays in SQS.
    unsafe = {id(draft.received) for draft in drafts if not is_stored(draft, stored)}
    safe = {id(draft.received) for draft in drafts} - unsafe
    return Stored(
        safe=tuple(each for each in received if id(each) in safe),
        due_types=frozenset(d.message.event_type for d in fresh if d.message.status == Status.WAITING),
        new=len(fresh),
        quarantined=len(quarantined),
        duplicates=len(drafts) - len(fresh),
    )


def _by_delivery(drafts: Iterable[Draft]) -> list[tuple[Delivery, list[ProcessedMessage]]]:
    rows: dict[int, tuple[Delivery, list[ProcessedMessage]]] = {}
    for draft in drafts:
        if id(draft.received) not in rows:
            rows[id(draft.received)] = (delivery_of(draft.received, draft.reading), [])
        rows[id(draft.received)][1].append(draft.message)
    return list(rows.values())


def _one_by_one(received: Sequence[RawDelivery], drafts: Sequence[Draft]) -> Stored:
    """One delivery spoiled the batch: give each a transaction of its own, and find out which.

    Raises when the database takes none of them, not even as bytes: then it is no delivery's fault.
    """
    parts: list[Stored] = []
    refusal: Exception | None = None
    for each in received:
        own = [draft for draft in drafts if draft.received is each]
        if not own:
            continue  # a heartbeat, which says nothing about what the database takes
        try:
            parts.append(_store_alone(each, own))
        except DATA_ERRORS as error:
            refusal = error
    if refusal is not None and not parts:
        raise refusal
    return Stored(
        safe=tuple(each for part in parts for each in part.safe),
        due_types=frozenset(name for part in parts for name in part.due_types),
        new=sum(part.new for part in parts),
        duplicates=sum(part.duplicates for part in parts),
        quarantined=sum(part.quarantined for part in parts),
    )


def _store_alone(received: RawDelivery, drafts: Sequence[Draft]) -> Stored:
    try:
        return _store_drafts([received], drafts)
    except DATA_ERRORS:
        return _store_bytes(received, drafts[0].reading.fallback_identity)


def _store_bytes(received: RawDelivery, identity: Identity) -> Stored:
    delivery, message = refused_by_database(received, identity, conf.current())
    is_new = not queries.find([message.dedup_key])
    if is_new:
        queries.insert([(delivery, [message])])
        emit(Notification.QUARANTINED, **quarantine_facts(message, delivery))
    found = queries.find([message.dedup_key])
    safe = (received,) if found else ()
    counts = {"new": int(is_new), "duplicates": int(not is_new), "quarantined": int(is_new)}
    return Stored(safe=safe, due_types=frozenset(), **counts)
