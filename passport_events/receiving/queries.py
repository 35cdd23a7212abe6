"""Inbox queries: look up dedup keys, insert deliveries and messages, record heartbeats."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import connections, router, transaction

from passport_events.db.bulk import insert_many
from passport_events.db.functions import AnyOf
from passport_events.models import Delivery, ProcessedMessage, SalesforceOrganization

LOCK_TIMEOUT = "5s"
"""A lock held for longer fails the batch, which SQS redelivers."""
MAX_KEYS = 10_000
"""Per query: a body can name tens of thousands of records, and databases limit parameters."""


def renew_connection() -> None:
    """Close a connection that is too old or broken; the next statement opens a new one.

    Django does the same around a request. Inside a transaction, which only tests have, nothing is closed.
    """
    connection = connections[router.db_for_write(ProcessedMessage)]
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def find(keys: Collection[str]) -> dict[str, str]:
    """Which of these dedup keys are in the database, with their content hashes."""
    found: dict[str, str] = {}
    for part in _split(sorted(keys)):
        rows = ProcessedMessage.objects.filter(AnyOf("dedup_key", part))
        found |= rows.values_list("dedup_key", "content_hash")
    return found


def insert(deliveries: Sequence[tuple[Delivery, Sequence[ProcessedMessage]]]) -> None:
    """Insert deliveries and their messages in one transaction, all of them or none.

    A row that another poller inserted under the same key stays. Every other conflict raises its error.
    """
    with transaction.atomic(using=router.db_for_write(ProcessedMessage)):
        _limit_lock_waits()
        insert_rows(deliveries)


def insert_rows(deliveries: Sequence[tuple[Delivery, Sequence[ProcessedMessage]]]) -> None:
    """Insert inside the caller's transaction, with its own lock timeout."""
    messages = []
    for delivery, own in deliveries:
        for message in own:
            message.pk = None  # a transaction that was rolled back may have set it
            messages.append((delivery, message))
    insert_many([delivery for delivery, _ in deliveries])
    for delivery, message in messages:
        message.delivery = delivery
    # Sorted by key, so that two pollers cannot deadlock.
    insert_many(
        sorted((m for _, m in messages), key=lambda message: message.dedup_key), once_by=("dedup_key",)
    )


def record_heartbeats(sent_at: Mapping[int, datetime]) -> int:
    """Record the heartbeats of organizations, by primary key. Returns the number of organizations found."""
    with transaction.atomic(using=router.db_for_write(SalesforceOrganization)):
        _limit_lock_waits()
        return SalesforceOrganization.objects.hear(sent_at)


def _split(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), MAX_KEYS):
        yield keys[start : start + MAX_KEYS]


def _limit_lock_waits() -> None:
    connection = connections[router.db_for_write(ProcessedMessage)]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # LOCAL, because a pooler may give this session to another client after the commit.
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
