"""The inbox: parse deliveries, store each event once, and read back what is stored."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterable, Mapping, Sequence

from django.db import DataError, IntegrityError

from passport_events import conf
from passport_events.conf import Settings
from passport_events.exceptions import Unreadable
from passport_events.instrumentation import Notification, emit
from passport_events.models import Status
from passport_events.receiving import organization_cache, queries
from passport_events.receiving.drafts import (
    Draft,
    build_rows,
    collect_organization_ids,
    create_bytes_only_rows,
    create_drafts,
    describe_quarantine,
)
from passport_events.receiving.organization_heartbeats import (
    ReceivedHeartbeat,
    find_heartbeats,
    record_heartbeats,
)
from passport_events.wire.envelope import Envelope
from passport_events.wire.parser import ParsedDelivery, parse_delivery
from passport_events.wire.raw_delivery import RawDelivery

DATA_ERRORS = (DataError, IntegrityError, ValueError, OverflowError)
"""Errors that one bad delivery can cause. psycopg raises DataError for NUL, UnicodeError for surrogates."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoreResult:
    """The result of storing a batch of deliveries."""

    safe: tuple[RawDelivery, ...] = ()
    """Committed and read back. Only these may be deleted from SQS."""
    due_types: frozenset[str] = frozenset()
    """Event types with new messages to handle."""
    new: int = 0
    """Two writers that store the same event at the same moment both count it; there is one row."""
    duplicates: int = 0
    quarantined: int = 0
    """New messages that are quarantined; included in `new`."""


def store(deliveries: Sequence[RawDelivery]) -> StoreResult:
    """Store a batch in at most four statements, unless the database refuses one of its deliveries.

    A key that two different events share costs one more statement, and so do organization heartbeats.
    Heartbeats come last, so that no event waits for the row lock of an organization.
    Raises the database's errors; then no delivery may be deleted.
    """
    started = time.perf_counter()
    drafts, heartbeats = _parse(deliveries)
    try:
        result = _store_drafts(drafts)
    except DATA_ERRORS:
        # A deleted organization causes an IntegrityError: look up the organizations again.
        organization_cache.clear()
        drafts, heartbeats = _parse(deliveries)
        result = _store_one_by_one(drafts)
    seconds = time.perf_counter() - started
    emit(Notification.STORED, count=result.new, duplicates=result.duplicates, seconds=seconds)
    if heartbeats:
        result = dataclasses.replace(result, safe=(*result.safe, *record_heartbeats(heartbeats)))
    return result


def _parse(deliveries: Sequence[RawDelivery]) -> tuple[list[Draft], list[ReceivedHeartbeat]]:
    settings = conf.get_settings()
    parsed = [(raw, parse_safely(raw, settings)) for raw in deliveries]
    ids = collect_organization_ids(one for _, one in parsed)
    organizations = organization_cache.lookup(ids) if ids else {}
    return create_drafts(parsed, organizations), find_heartbeats(parsed, organizations)


def parse_safely(raw: RawDelivery, settings: Settings, outer: Envelope | None = None) -> ParsedDelivery:
    """As `parse_delivery`, but a bug in a parser quarantines its delivery and fails no other."""
    try:
        return parse_delivery(raw, settings, outer)
    except Exception as error:  # noqa: BLE001  a bug can raise anything
        return ParsedDelivery(
            wire_format="unknown",
            envelope=None,
            events=(),
            refusal=Unreadable("reader_failed", type(error).__name__),
            arrived_as=("sqs", raw.message_id),
        )


def _store_drafts(drafts: Sequence[Draft]) -> StoreResult:
    stored = find_stored_keys(drafts)
    new = select_new(drafts, stored)
    if new:
        queries.insert(build_rows(new))
        # Read back: a commit whose answer was lost, or a failover, must not lose a delivery.
        stored |= queries.find({draft.message.dedup_key for draft in new})
    _emit_quarantined(new)
    return _summarize(drafts, new, stored)


def find_stored_keys(drafts: Sequence[Draft]) -> dict[str, str]:
    """The dedup keys of these drafts that are in the database, and their content hashes.

    Where two events share a key, the collision key of the second is looked up too.
    """
    stored = queries.find({draft.message.dedup_key for draft in drafts})
    hashes, collisions = dict(stored), set()
    for draft in drafts:
        content_hash = draft.message.content_hash
        if hashes.setdefault(draft.message.dedup_key, content_hash) != content_hash:
            collisions.add(draft.collision_key)
    return stored | queries.find(collisions) if collisions else stored


def select_new(drafts: Iterable[Draft], stored: Mapping[str, str]) -> list[Draft]:
    """The drafts to insert: one for each key that is not in `stored`, the result of `find_stored_keys`.

    A draft whose key belongs to other content is quarantined under its collision key.
    """
    hashes = dict(stored)
    new: list[Draft] = []
    for draft in drafts:
        content_hash = draft.message.content_hash
        if hashes.get(draft.message.dedup_key, content_hash) != content_hash:
            draft.quarantine_as_collision()
        if draft.message.dedup_key not in hashes:
            hashes[draft.message.dedup_key] = content_hash
            new.append(draft)
    return new


def is_stored(draft: Draft, stored: Mapping[str, str]) -> bool:
    """True if `stored` has the draft's key with the same content."""
    return stored.get(draft.message.dedup_key) == draft.message.content_hash


def _summarize(drafts: Sequence[Draft], new: Sequence[Draft], stored: Mapping[str, str]) -> StoreResult:
    # A delivery without drafts is not safe here, and stays in SQS.
    unsafe = {id(draft.raw) for draft in drafts if not is_stored(draft, stored)}
    safe = {id(draft.raw): draft.raw for draft in drafts if id(draft.raw) not in unsafe}
    return StoreResult(
        safe=tuple(safe.values()),
        due_types=frozenset(d.message.event_type for d in new if d.message.status == Status.WAITING),
        new=len(new),
        duplicates=len(drafts) - len(new),
        quarantined=sum(draft.message.status == Status.QUARANTINED for draft in new),
    )


def _emit_quarantined(new: Sequence[Draft]) -> None:
    for draft in new:
        if draft.message.status == Status.QUARANTINED:
            emit(Notification.QUARANTINED, **describe_quarantine(draft.message, draft.message.delivery))


def _store_one_by_one(drafts: Sequence[Draft]) -> StoreResult:
    """Store each delivery in a transaction of its own, because the database refused one of the batch.

    Raises the error where the database accepts none of them, not even as bytes: then the cause is not a
    delivery.
    """
    results: list[StoreResult] = []
    error: Exception | None = None
    for _, own in itertools.groupby(drafts, key=lambda draft: id(draft.raw)):
        try:
            results.append(_store_delivery(list(own)))
        except DATA_ERRORS as refused:
            error = refused
    if error is not None and not results:
        try:
            raise error
        finally:
            del error  # its traceback holds this frame, and so all bodies
    return StoreResult(
        safe=tuple(raw for result in results for raw in result.safe),
        due_types=frozenset(name for result in results for name in result.due_types),
        new=sum(result.new for result in results),
        duplicates=sum(result.duplicates for result in results),
        quarantined=sum(result.quarantined for result in results),
    )


def _store_delivery(drafts: Sequence[Draft]) -> StoreResult:
    """Store the drafts of one delivery; only its bytes where the database refuses them."""
    try:
        return _store_drafts(drafts)
    except DATA_ERRORS:
        raw, identity = drafts[0].raw, drafts[0].parsed.fallback_identity
    delivery, message = create_bytes_only_rows(raw, identity, conf.get_settings())
    is_new = not queries.find([message.dedup_key])
    if is_new:
        queries.insert([(delivery, [message])])
        emit(Notification.QUARANTINED, **describe_quarantine(message, delivery))
    safe = (raw,) if queries.find([message.dedup_key]) else ()
    return StoreResult(safe, new=int(is_new), duplicates=int(not is_new), quarantined=int(is_new))
