"""Keeping a lease while its worker lives."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection

from passport_events.handling.claim import Claim, claim_batch
from passport_events.handling.lease import LeaseKeeper
from passport_events.handling.locks import RecordLocks
from passport_events.models import MessageQuerySet, ProcessedMessage
from project.embedded import ValkeyServer
from tests.handling.factories import a_message, an_organization, make_due, now

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 20


@pytest.fixture
def claim(locks: RecordLocks, change_settings: Callable[..., None]) -> Claim:
    """A message in hand, for one second."""
    change_settings(LEASE_SECONDS=1)
    a_message(an_organization())
    return claim_batch(["opportunity"], locks)


def eventually(question: Callable[[], bool]) -> bool:
    """Ask until it is true; False when patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_renewed(claim: Claim) -> bool:
    """Whether the end of its lease moves, now or soon."""
    before = ends(claim)
    return eventually(lambda: ends(claim) != before)


def ends(claim: Claim) -> object:
    return now(claim.messages[0]).due_at


def test_a_living_workers_lease_is_renewed_and_its_lock_too(claim: Claim, locks: RecordLocks) -> None:
    """Given a lease that is nearly over, when its keeper lives, it is moved; and again."""
    [name] = locks.redis.keys("*passport:lock:*")
    with LeaseKeeper(claim, locks):
        for _ in range(2):
            locks.redis.pexpire(name, 100_000)
            assert is_renewed(claim)
            assert eventually(lambda: locks.redis.pttl(name) <= 1000)
        assert locks.redis.exists(name)

    assert not ProcessedMessage.objects.due().exists()


def test_afterwards_the_locks_are_free_and_the_thread_is_gone(claim: Claim, locks: RecordLocks) -> None:
    with LeaseKeeper(claim, locks):
        pass

    assert not locks.redis.keys("*passport:lock:*")
    assert "lease-keeper" not in [thread.name for thread in threading.enumerate()]


def test_a_lease_that_somebody_took_is_not_renewed(claim: Claim, locks: RecordLocks) -> None:
    """Given a message that another worker claimed, when the keeper finds out, it stops."""
    thief = uuid.uuid4()
    with LeaseKeeper(claim, locks) as keeper:
        ProcessedMessage.objects.update(lease_token=thief)
        make_due()
        before = ends(claim)
        assert eventually(lambda: not keeper._thread.is_alive())

    assert ends(claim) == before
    assert now(claim.messages[0]).lease_token == thief


def test_a_renewal_that_fails_is_made_up_for_by_the_next(
    claim: Claim, locks: RecordLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew = MessageQuerySet.renew
    failures: list[int] = []

    def fail_once(*arguments: object) -> int:
        if not failures:
            failures.append(1)
            raise OperationalError
        return renew(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(MessageQuerySet, "renew", fail_once)
    with LeaseKeeper(claim, locks):
        assert is_renewed(claim)

    assert failures


@pytest.mark.postgresql
def test_a_connection_that_broke_is_replaced(claim: Claim, locks: RecordLocks) -> None:
    """Given a keeper whose backend was terminated, the lease is renewed again all the same."""
    with LeaseKeeper(claim, locks):
        assert is_renewed(claim)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'"
            )
            assert cursor.rowcount == 1
        assert is_renewed(claim)


def test_without_redis_the_lease_is_kept_all_the_same(
    claim: Claim, locks: RecordLocks, redis_server: ValkeyServer
) -> None:
    redis_server.kill()
    with LeaseKeeper(claim, locks):
        assert is_renewed(claim)
