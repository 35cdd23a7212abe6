"""Payloads of S3 pointers: fetch, parse and store one as if SQS had delivered it.

Workers call this from `handling/pointers.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import router, transaction

from passport_events import conf
from passport_events.exceptions import PayloadUnavailable, RetryLater, Unreadable
from passport_events.models import Delivery, ProcessedMessage, Status
from passport_events.receiving import organization_cache, queries
from passport_events.receiving.dedup import is_stored, known, only_new
from passport_events.receiving.drafts import Draft, drafts_of, organizations_of, payload_of, quarantine_facts
from passport_events.receiving.inbox import DATA_ERRORS, read_guarded
from passport_events.receiving.stored_delivery import envelope_of, received_from
from passport_events.wire.s3_pointer import Pointer, check_bucket

S3_AWAY = timedelta(minutes=5)
"""How often a pointer is tried while S3 does not answer; that costs it no attempt."""


@dataclasses.dataclass(frozen=True, slots=True)
class Payload:
    """What a pointer led to, read and ready to be stored."""

    delivery: Delivery
    drafts: Sequence[Draft]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredPayload:
    """What a payload added to the inbox."""

    due_types: frozenset[str]
    """Event types that have new messages to handle."""
    new: int
    duplicates: int
    quarantined: tuple[Mapping[str, Any], ...] = ()
    """For each new quarantined message: its reason, and ids to find it by."""


def fetch(message: ProcessedMessage) -> Payload:
    """Fetch the payload of a pointer and parse it, outside any transaction.

    Raises Unreadable when it can never be parsed, PayloadUnavailable when S3 refuses it, and RetryLater
    when S3 does not answer.
    """
    # Not above: boto3 takes longer to import than the rest of a worker, and few need it.
    from passport_events.receiving import s3  # noqa: PLC0415

    settings = conf.current()
    pointer = Pointer(message.content["bucket"], message.content["key"])
    # Again, because the settings may have changed since it was received.
    check_bucket(pointer, settings)
    try:
        body = s3.read(pointer, settings)
    except PayloadUnavailable as error:
        if error.is_away:
            raise RetryLater(S3_AWAY, "S3 does not answer") from error
        raise
    received = received_from(message.delivery, body)
    reading = read_guarded(received, settings, envelope_of(message.delivery))
    if reading.refusal is not None:
        raise reading.refusal
    wanted = organizations_of([reading])
    known = organization_cache.lookup(wanted) if wanted else {}
    return Payload(payload_of(message.delivery, body, reading), drafts_of(received, reading, known))


def store(payload: Payload) -> StoredPayload:
    """Insert what is new, in the caller's transaction.

    Raises Unreadable `database_refused`, and RetryLater.
    """
    try:
        with transaction.atomic(using=router.db_for_write(ProcessedMessage)):
            fresh = _store(payload)
    except DATA_ERRORS:
        raise Unreadable("database_refused") from None
    messages = [draft.message for draft in fresh]
    return StoredPayload(
        due_types=frozenset(m.event_type for m in messages if m.status == Status.WAITING),
        new=len(messages),
        duplicates=len(payload.drafts) - len(messages),
        quarantined=tuple(
            quarantine_facts(m, payload.delivery) for m in messages if m.status == Status.QUARANTINED
        ),
    )


def _store(payload: Payload) -> list[Draft]:
    fresh = only_new(payload.drafts, known(payload.drafts, queries.find))
    if fresh:
        queries.insert_rows([(payload.delivery, [draft.message for draft in fresh])])
        stored = queries.find({draft.message.dedup_key for draft in fresh})
        if not all(is_stored(draft, stored) for draft in fresh):
            # Put there between two statements by somebody else. The next attempt knows, and keeps both.
            raise RetryLater(0, "an event with the key of one of these and other content was just stored")
    return fresh
