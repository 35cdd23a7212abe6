"""What receiving says to the database: which keys are there, and put these rows there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import connections, router, transaction

from passport_events.db.any_of import AnyOf
from passport_events.db.bulk import insert_many
from passport_events.models import Delivery, ProcessedMessage, SalesforceOrganization

LOCK_TIMEOUT = "5s"
"""A lock that somebody holds for longer must not hold up receiving; the batch comes again."""
MAX_KEYS = 10_000
"""Per question: a body may name tens of thousands of records, and databases limit parameters."""


def renew_connection() -> None:
    """Drop a connection that is too old or was found broken; the next statement makes a new one.

    As Django does around a request, but never inside a transaction, which is a test's.
    """
    connection = connections[router.db_for_write(ProcessedMessage)]
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def find(keys: Collection[str]) -> dict[str, str]:
    """Dedup keys that are in the database, with the hash of their content."""
    found: dict[str, str] = {}
    for part in _parts(sorted(keys)):
        rows = ProcessedMessage.objects.filter(AnyOf("dedup_key", part))
        found |= rows.values_list("dedup_key", "content_hash")
    return found


def insert(deliveries: Sequence[tuple[Delivery, Sequence[ProcessedMessage]]]) -> None:
    """Insert deliveries and their messages in one transaction, all of them or none.

    Another poller's row of the same key stays, and every other error is raised.
    """
    with transaction.atomic(using=router.db_for_write(ProcessedMessage)):
        _limit_lock_waits()
        insert_rows(deliveries)


def insert_rows(deliveries: Sequence[tuple[Delivery, Sequence[ProcessedMessage]]]) -> None:
    """The same inside the caller's transaction, with the patience that it has."""
    messages = []
    for delivery, own in deliveries:
        for message in own:
            message.pk = None  # a try that was rolled back may have given it one
            messages.append((delivery, message))
    insert_many([delivery for delivery, _ in deliveries])
    for delivery, message in messages:
        message.delivery = delivery
    # In the order of their keys, so that two pollers never wait for each other.
    insert_many(
        sorted((m for _, m in messages), key=lambda message: message.dedup_key), once_by=("dedup_key",)
    )


def record_heartbeats(sent_at: Mapping[int, datetime]) -> int:
    """Note the heartbeats of organizations, by primary key, in a transaction. Returns how many were found."""
    with transaction.atomic(using=router.db_for_write(SalesforceOrganization)):
        _limit_lock_waits()
        return SalesforceOrganization.objects.hear(sent_at)


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), MAX_KEYS):
        yield keys[start : start + MAX_KEYS]


def _limit_lock_waits() -> None:
    connection = connections[router.db_for_write(ProcessedMessage)]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # LOCAL, because a pooler may hand this session to somebody else after the commit.
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
