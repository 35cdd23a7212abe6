"""Payloads of S3 pointers: fetch, parse and store them as if SQS had delivered them.

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
from passport_events.receiving.drafts import (
    Draft,
    collect_organization_ids,
    create_drafts,
    create_payload_delivery,
    describe_quarantine,
)
from passport_events.receiving.inbox import DATA_ERRORS, find_stored_keys, is_stored, parse_safely, select_new
from passport_events.receiving.stored_delivery import rebuild_envelope, rebuild_raw_delivery
from passport_events.wire.s3_pointer import Pointer, check_bucket

S3_RETRY_DELAY = timedelta(minutes=5)
"""The delay between tries while S3 does not answer. They are not counted as attempts."""


@dataclasses.dataclass(frozen=True, slots=True)
class FetchedPayload:
    """A fetched payload, parsed and not stored yet."""

    delivery: Delivery
    drafts: Sequence[Draft]


@dataclasses.dataclass(frozen=True, slots=True)
class StoredPayload:
    """What storing a payload added to the inbox."""

    due_types: frozenset[str]
    """Event types with new messages to handle."""
    new: int
    duplicates: int
    quarantined: tuple[Mapping[str, Any], ...] = ()
    """The facts of each new quarantined message, from `describe_quarantine`."""


def fetch(message: ProcessedMessage) -> FetchedPayload:
    """Fetch the payload of a pointer and parse it, outside any transaction.

    Raises Unreadable when it can never be parsed, PayloadUnavailable when S3 refuses it, and RetryLater
    when S3 does not answer.
    """
    # Not at the top: boto3 takes longer to import than the rest of a worker, and few workers need it.
    from passport_events.receiving import s3  # noqa: PLC0415

    settings = conf.get_settings()
    pointer = Pointer(message.content["bucket"], message.content["key"])
    # The settings may have changed since it was received.
    check_bucket(pointer, settings)
    try:
        body = s3.read(pointer, settings)
    except PayloadUnavailable as error:
        if error.is_away:
            raise RetryLater(S3_RETRY_DELAY, "S3 does not answer") from error
        raise
    raw = rebuild_raw_delivery(message.delivery, body)
    parsed = parse_safely(raw, settings, rebuild_envelope(message.delivery))
    if parsed.refusal is not None:
        raise parsed.refusal
    ids = collect_organization_ids([parsed])
    drafts = create_drafts([(raw, parsed)], organization_cache.lookup(ids) if ids else {})
    return FetchedPayload(create_payload_delivery(message.delivery, body, parsed), drafts)


def store(payload: FetchedPayload) -> StoredPayload:
    """Insert the new messages, in the caller's transaction.

    Raises Unreadable `database_refused`, and RetryLater.
    """
    try:
        with transaction.atomic(using=router.db_for_write(ProcessedMessage)):
            new = _insert_new(payload)
    except DATA_ERRORS:
        raise Unreadable("database_refused") from None
    messages = [draft.message for draft in new]
    return StoredPayload(
        due_types=frozenset(m.event_type for m in messages if m.status == Status.WAITING),
        new=len(messages),
        duplicates=len(payload.drafts) - len(messages),
        quarantined=tuple(
            describe_quarantine(m, payload.delivery) for m in messages if m.status == Status.QUARANTINED
        ),
    )


def _insert_new(payload: FetchedPayload) -> list[Draft]:
    new = select_new(payload.drafts, find_stored_keys(payload.drafts))
    if new:
        queries.insert_rows([(payload.delivery, [draft.message for draft in new])])
        stored = queries.find({draft.message.dedup_key for draft in new})
        if not all(is_stored(draft, stored) for draft in new):
            # Another process inserted one between two statements. The next attempt stores both.
            raise RetryLater(0, "an event with the key of one of these and other content was just stored")
    return new
