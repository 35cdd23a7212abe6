"""Expired but still locked: the worker lives, and its message is its own."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from passport_events.handling.claim import claim_batch
from passport_events.handling.locks import RecordLocks
from passport_events.mirror.apply import ensure_records, lock_record
from passport_events.models import ProcessedMessage, SalesforceOrganization, Status
from tests.handling.factories import a_message, an_event, an_organization, make_due, now, stored

pytestmark = pytest.mark.django_db(transaction=True)

TYPES = ["opportunity"]


def some(organization: SalesforceOrganization, count: int) -> list[ProcessedMessage]:
    return stored(*(an_event(organization, number) for number in range(1, count + 1)))


def let_the_worker_die(locks: RecordLocks) -> None:
    """The end of its leases and locks is all that is left of a worker that was killed."""
    make_due()
    locks.redis.flushall()


@pytest.fixture
def message(locks: RecordLocks) -> ProcessedMessage:
    """In the hand of a worker whose lease has ended."""
    message = a_message(an_organization())
    ensure_records([message])
    claim_batch(TYPES, locks)
    let_the_worker_die(locks)
    return message


@pytest.mark.postgresql
def test_it_is_neither_taken_nor_blamed(locks: RecordLocks, message: ProcessedMessage) -> None:
    held, done = threading.Event(), threading.Event()
    worker = threading.Thread(target=hold_the_record, args=(message, held, done))
    worker.start()
    held.wait()
    try:
        first, second = claim_batch(TYPES, locks), claim_batch(TYPES, locks)
    finally:
        done.set()
        worker.join()

    assert (first.messages, second.messages) == ((), ())
    assert (now(message).status, now(message).isolated) == (Status.PROCESSING, False)


@pytest.mark.postgresql
def test_it_is_looked_at_again_later_and_not_all_the_time(
    locks: RecordLocks, message: ProcessedMessage
) -> None:
    """Given a slow worker, a claim does not find its messages due at once again."""
    held, done = threading.Event(), threading.Event()
    worker = threading.Thread(target=hold_the_record, args=(message, held, done))
    worker.start()
    held.wait()
    try:
        claim_batch(TYPES, locks)
        assert not ProcessedMessage.objects.due().exists()
    finally:
        done.set()
        worker.join()
    make_due()
    claim_batch(TYPES, locks)

    assert now(message).isolated


@pytest.mark.postgresql
def test_other_messages_of_the_claim_with_unlocked_records_count_as_crashed(locks: RecordLocks) -> None:
    slow, dead = some(an_organization(), 2)
    ensure_records([slow, dead])
    claim_batch(TYPES, locks)
    let_the_worker_die(locks)
    held, done = threading.Event(), threading.Event()
    worker = threading.Thread(target=hold_the_record, args=(slow, held, done))
    worker.start()
    held.wait()
    try:
        claim_batch(TYPES, locks)
    finally:
        done.set()
        worker.join()

    assert (now(slow).status, now(dead).status) == (Status.PROCESSING, Status.WAITING)
    assert (now(slow).isolated, now(dead).isolated) == (False, True)


def hold_the_record(message: ProcessedMessage, held: threading.Event, done: threading.Event) -> None:
    """What a slow handler does: be inside the effect transaction."""
    try:
        with transaction.atomic():
            lock_record(message)
            held.set()
            done.wait()
    finally:
        held.set()
        connection.close()
