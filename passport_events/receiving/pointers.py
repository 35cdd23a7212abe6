"""Opening pointers: what they lead to is read and stored as if SQS had brought it.

A worker does that, in `handling/pointer_turn.py`, which knows nothing of this folder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta

from django.db import router, transaction

from passport_events import conf
from passport_events.event import S3_POINTER
from passport_events.exceptions import PayloadUnavailable, RetryLater, Unreadable
from passport_events.handling import opener
from passport_events.handling.opener import Opened
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


class S3Opener:
    """Opens pointers to S3."""

    def fetch(self, message: ProcessedMessage) -> Payload:
        """Fetch and read.

        Raises Unreadable, PayloadUnavailable when S3 does not hand it out, and RetryLater when it is away.
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

    def store(self, payload: Payload) -> Opened:
        """Insert what is new, in the caller's transaction.

        Raises Unreadable `database_refused`, and RetryLater.
        """
        try:
            with transaction.atomic(using=router.db_for_write(ProcessedMessage)):
                fresh = _store(payload)
        except DATA_ERRORS:
            raise Unreadable("database_refused") from None
        messages = [draft.message for draft in fresh]
        return Opened(
            due_types=frozenset(m.event_type for m in messages if m.status == Status.WAITING),
            new=len(messages),
            duplicates=len(payload.drafts) - len(messages),
            quarantined=tuple(
                quarantine_facts(m, payload.delivery) for m in messages if m.status == Status.QUARANTINED
            ),
        )


def start() -> None:
    """Let workers open pointers."""
    opener.register(S3_POINTER, S3Opener())


def _store(payload: Payload) -> list[Draft]:
    fresh = only_new(payload.drafts, known(payload.drafts, queries.find))
    if fresh:
        queries.insert_rows([(payload.delivery, [draft.message for draft in fresh])])
        stored = queries.find({draft.message.dedup_key for draft in fresh})
        if not all(is_stored(draft, stored) for draft in fresh):
            # Put there between two statements by somebody else. The next attempt knows, and keeps both.
            raise RetryLater(0, "an event with the key of one of these and other content was just stored")
    return fresh
