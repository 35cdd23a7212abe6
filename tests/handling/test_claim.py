"""Claims: each message once, and all due messages of a record."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest

from passport_events.handling.claim import claim_batch
from passport_events.handling.locks import RecordLocks, get_record_key
from passport_events.models import (
    ProcessedMessage,
    Status,
)
from project.embedded import ValkeyServer
from tests.handling.factories import a_backlog, a_message, an_event, an_organization, make_due, now, stored

pytestmark = pytest.mark.django_db

TYPES = ["opportunity"]


def test_a_claimed_message_is_held_until_the_lease_ends(locks: RecordLocks) -> None:
    message = a_message(an_organization())

    claim = claim_batch(TYPES, locks)

    held = now(message)
    assert [each.pk for each in claim.messages] == [message.pk]
    assert (held.status, held.lease_token, held.attempts) == (Status.PROCESSING, claim.lease_token, 0)
    assert claim_batch(TYPES, locks).messages == ()
    assert held.due_at is not None
    assert held.claimed_at is not None
    assert held.due_at - held.claimed_at == pytest.approx(timedelta(seconds=60), abs=timedelta(seconds=1))


def test_what_is_not_due_or_of_another_queue_is_left(locks: RecordLocks) -> None:
    home = an_organization()
    stored(an_event(home), due_in=timedelta(hours=1))
    stored(an_event(home, event_type="item"))

    claim = claim_batch(TYPES, locks)

    assert (claim.messages, claim.more) == ((), False)


def test_a_full_claim_says_that_there_is_more(
    locks: RecordLocks, change_settings: Callable[..., None]
) -> None:
    change_settings(BATCH_SIZE=3)
    a_backlog(an_organization(), 4)

    first, second = claim_batch(TYPES, locks), claim_batch(TYPES, locks)

    assert (len(first.messages), first.more) == (3, True)
    assert (len(second.messages), second.more) == (1, False)


def test_messages_of_a_record_come_in_version_order(locks: RecordLocks) -> None:
    home = an_organization()
    third, first, second = stored(*(an_event(home, at=at) for at in (3, 1, 2)))

    assert [m.pk for m in claim_batch(TYPES, locks).messages] == [first.pk, second.pk, third.pk]


def test_what_else_is_due_of_a_record_comes_along(
    locks: RecordLocks, change_settings: Callable[..., None]
) -> None:
    change_settings(BATCH_SIZE=1)
    home = an_organization()
    [newest] = stored(an_event(home, at=9), due_in=timedelta(minutes=-9))
    older = stored(*(an_event(home, at=at) for at in (1, 2)))[:1]
    [later] = stored(an_event(home, at=5), due_in=timedelta(minutes=5))

    claim = claim_batch(TYPES, locks)

    assert [m.pk for m in claim.messages] == [older[0].pk, newest.pk]
    assert now(later).status == Status.WAITING


def test_the_same_id_in_another_organization_is_another_record(
    locks: RecordLocks, change_settings: Callable[..., None]
) -> None:
    change_settings(BATCH_SIZE=1)
    home, other = an_organization(1), an_organization(2)
    stored(an_event(home), due_in=timedelta(minutes=-5))
    stored(an_event(other))

    assert {m.organization_id for m in claim_batch(TYPES, locks).messages} == {home.pk}


def test_messages_of_a_locked_record_are_postponed_uncounted(locks: RecordLocks) -> None:
    home = an_organization()
    held, free = a_message(home, 1), a_message(home, 2)
    other_worker = uuid.uuid4()
    locks.acquire([get_record_key(held)], other_worker, timedelta(seconds=60))

    claim = claim_batch(TYPES, locks)

    assert [m.pk for m in claim.messages] == [free.pk]
    assert (now(held).status, now(held).attempts) == (Status.WAITING, 0)
    assert not ProcessedMessage.objects.due().exists()
    locks.release([get_record_key(held)], other_worker)
    make_due(held)
    assert [m.pk for m in claim_batch(TYPES, locks).messages] == [held.pk]


def test_without_redis_every_record_is_free(locks: RecordLocks, redis_server: ValkeyServer) -> None:
    message = a_message(an_organization())
    redis_server.kill()

    assert [m.pk for m in claim_batch(TYPES, locks).messages] == [message.pk]


def test_a_message_that_changes_hands_is_not_claimed_twice(locks: RecordLocks) -> None:
    """Given a claim that another worker made meanwhile, the compare-and-set takes nothing."""
    message = a_message(an_organization())
    rows = ProcessedMessage.objects.filter(pk=message.pk)

    assert rows.claim(uuid.uuid4(), timedelta(seconds=60)) == 1
    assert rows.claim(uuid.uuid4(), timedelta(seconds=60)) == 0
    assert locks.redis.dbsize() == 0


def test_unclaimed_messages_are_due_at_once(locks: RecordLocks) -> None:
    """Given a clock of milliseconds, as SQLite's, no row waits for the next one."""
    a_message(an_organization())
    for _ in range(100):
        claim = claim_batch(TYPES, locks)
        assert len(claim.messages) == 1
        locks.release(claim.records, claim.lease_token)
        ProcessedMessage.objects.unclaim(claim.lease_token)
