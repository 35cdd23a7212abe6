"""Messages whose worker died."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest

from passport_events import Event, fingerprint, handles
from passport_events.handling.claim import claim_batch
from passport_events.handling.locks import RecordLocks
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification
from passport_events.models import ProcessedMessage, SalesforceOrganization, SalesforceRecord, Status
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_event,
    an_organization,
    make_due,
    now,
    stored,
    write,
    written,
)
from tests.harness.notifications import Notifications

pytestmark = pytest.mark.django_db(transaction=True)

TYPES = ["opportunity"]


def let_the_worker_die(locks: RecordLocks) -> None:
    """The end of its leases and locks is all that is left of a worker that was killed."""
    make_due()
    locks.redis.flushall()


def some(organization: SalesforceOrganization, count: int) -> list[ProcessedMessage]:
    return stored(*(an_event(organization, number) for number in range(1, count + 1)))


def test_messages_of_a_crashed_worker_are_isolated(locks: RecordLocks, notifications: Notifications) -> None:
    """Given a worker that died over three messages, each is handled by itself and no attempt is lost."""
    in_hand = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        in_hand.append(ProcessedMessage.objects.filter(status=Status.PROCESSING).count())
        write(event.fields["Name"])

    messages = some(an_organization(), 3)
    claim_batch(TYPES, locks)
    let_the_worker_die(locks)
    work(OPPORTUNITIES)

    assert in_hand == [1, 1, 1]
    assert written() == ["name 1", "name 2", "name 3"]
    assert {(now(m).status, now(m).attempts, now(m).crashes) for m in messages} == {("succeeded", 1, 0)}
    crashed = [facts["message_ids"] for stage, facts in notifications if stage is Notification.CRASHED]
    assert [sorted(each) for each in crashed] == [[m.pk for m in messages]]


def test_messages_of_the_living_do_not_wait_for_those_of_the_dead(locks: RecordLocks) -> None:
    home = an_organization()
    some(home, 3)
    claim_batch(TYPES, locks)
    let_the_worker_die(locks)
    fresh = a_message(home, 9)

    claim = claim_batch(TYPES, locks)

    assert [m.pk for m in claim.messages] == [fresh.pk]
    assert claim.more


def crash_alone(locks: RecordLocks, message: ProcessedMessage) -> None:
    """Claim the isolated message, and let the lease expire."""
    rows = ProcessedMessage.objects.filter(pk=message.pk)
    rows.update(isolated=True)
    make_due(message)
    assert rows.claim(uuid.uuid4(), timedelta(seconds=60)) == 1
    let_the_worker_die(locks)
    claim_batch(TYPES, locks)


def test_a_crash_of_an_isolated_message_is_an_attempt(
    locks: RecordLocks, change_settings: Callable[..., None]
) -> None:
    change_settings(RELEASE="2026.11")
    message = a_message(an_organization())
    crash_alone(locks, message)

    row, attempt = now(message), message.failures.get()
    assert (row.status, row.attempts, row.crashes) == (Status.WAITING, 1, 1)
    assert (attempt.outcome, attempt.number, attempt.release) == ("crashed", 1, "2026.11")
    assert attempt.started_at is not None
    assert attempt.started_at <= attempt.ended_at
    assert not ProcessedMessage.objects.due().exists()


def test_the_third_makes_a_dead_letter(locks: RecordLocks, notifications: Notifications) -> None:
    message = a_message(an_organization())
    for _ in range(3):
        crash_alone(locks, message)

    row = now(message)
    assert (row.status, row.attempts, row.crashes) == (Status.DEAD, 3, 3)
    assert row.reason == "poison: took its worker with it 3 times"
    assert row.fingerprint == fingerprint.compute_crash_fingerprint("opportunity")
    assert list(message.failures.values_list("number", "outcome")) == [(n, "crashed") for n in (1, 2, 3)]
    assert [facts for stage, facts in notifications if stage is Notification.DIED] == [
        {"message_id": message.pk, "reason": "poison"}
    ]


def test_crashes_use_up_the_attempts_as_failures_do(
    locks: RecordLocks, change_settings: Callable[..., None], notifications: Notifications
) -> None:
    change_settings(MAX_RETRIES=1)
    message = a_message(an_organization())
    for _ in range(2):
        crash_alone(locks, message)

    row = now(message)
    assert (row.status, row.attempts, row.crashes) == (Status.DEAD, 2, 2)
    assert row.reason == "retries used up: its worker died"
    assert message.failures.count() == 2
    assert [facts["reason"] for stage, facts in notifications if stage is Notification.DIED] == [
        "retries used up"
    ]


def test_a_failure_of_an_isolated_message_ends_its_isolation(locks: RecordLocks) -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        raise ValueError

    message = a_message(an_organization())
    crash_alone(locks, message)
    make_due()
    work(OPPORTUNITIES)

    row = now(message)
    assert (row.status, row.isolated, row.attempts) == (Status.WAITING, False, 2)
    assert list(message.failures.values_list("number", "outcome")) == [(1, "crashed"), (2, "retry")]
