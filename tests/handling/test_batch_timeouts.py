"""Leases and RQ's job timeout in a shared transaction."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from rq.timeouts import JobTimeoutException

from passport_events import Event, handles
from passport_events.event import Change
from passport_events.handling import batch_transaction
from passport_events.handling.claim import claim_batch
from passport_events.handling.worker import TimeBudget, process_claim, work
from passport_events.instrumentation import Notification
from passport_events.models import (
    MessageAttempt,
    ProcessedMessage,
    SalesforceRecord,
    Status,
)
from tests.handling.factories import (
    OPPORTUNITIES,
    an_event,
    an_organization,
    effect,
    elsewhere,
    of_each,
    outcome,
    ring,
    statuses,
    stored,
    the_record,
    work_again,
    written,
)
from tests.harness.notifications import Notifications

if TYPE_CHECKING:
    from passport_events.handling.locks import RecordLocks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server", "unhurried", "alarm_off"),
]


@pytest.mark.postgresql
def test_the_lease_is_renewed_while_a_handler_runs_behind_one_that_waits() -> None:
    """Given a message that is requeued, when the next one takes long, no row of the claim is locked."""
    renewed = []

    @handles("opportunity", shares_transaction=True, needs_complete=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        elsewhere(renew)

    def renew() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        token = ProcessedMessage.objects.values_list("lease_token", flat=True)[0]
        assert token is not None
        renewed.append(ProcessedMessage.objects.renew(token, timedelta(seconds=60)))

    home = an_organization()
    stored(an_event(home, 1, change=Change.UPDATED), *(an_event(home, number) for number in (2, 3)))
    work(OPPORTUNITIES)

    assert renewed == [3, 3]
    assert statuses() == {"succeeded": 2, "waiting": 1}


def test_a_lost_lease_rolls_back_the_batch_and_the_others_are_attempted_one_by_one(
    notifications: Notifications,
) -> None:
    stolen: list[int] = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if not stolen and event.fields["Name"] == "3":
            stolen.append(messages[0].pk)
            ProcessedMessage.objects.filter(pk__in=stolen).update(status=Status.WAITING, lease_token=None)

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert Notification.LEASE_LOST not in [stage for stage, _ in notifications]
    assert [outcome(each) for each in messages] == [("succeeded", "", 1)] * 3  # the theft was undone too
    assert len(written()) == 3


@pytest.mark.postgresql
def test_a_message_that_another_worker_took_over_has_one_effect(notifications: Notifications) -> None:
    calls: Counter[str] = Counter()
    given_back: dict[str, Any] = {"status": Status.WAITING, "lease_token": None}

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls[event.fields["Name"]] += 1
        effect(event)
        if calls == {"1": 1, "2": 1}:
            elsewhere(lambda: ProcessedMessage.objects.filter(record_id=event.record_id).update(**given_back))

    messages = of_each(2)
    work(OPPORTUNITIES)

    lost = [facts["message_id"] for stage, facts in notifications if stage is Notification.LEASE_LOST]
    assert lost == [messages[1].pk]
    assert outcome(messages[0]) == ("succeeded", "", 1)
    assert len(written()) == 1

    work_again()
    assert statuses() == {"succeeded": 2}
    assert len(written()) == 2


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_message_that_hangs_has_failed_and_the_others_are_unclaimed(
    locks: RecordLocks,
    is_wrapped: bool,  # noqa: FBT001
) -> None:
    calls = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        calls.append(event.fields["Name"])
        if event.fields["Name"] == "2":
            try:
                ring(0.1)
                time.sleep(30)
            except JobTimeoutException as timeout:
                raise RuntimeError from (timeout if is_wrapped else None)
            raise AssertionError

    messages = of_each(3)
    done = process_claim(claim_batch(["opportunity"], locks), locks, TimeBudget(60))

    # Also if a library wraps the timeout: RQ raises no other one in this job.
    assert (done, calls) == (1, ["1", "2"])
    assert MessageAttempt.objects.get().message == messages[1]
    assert outcome(messages[1])[::2] == ("waiting", 1)
    assert the_record(2)["Name"] == "2"
    assert ProcessedMessage.objects.due().filter(attempts=0).count() == 2
    assert written() == []


def test_a_job_timeout_outside_of_a_handler_isolates_the_batch(
    locks: RecordLocks, monkeypatch: pytest.MonkeyPatch, notifications: Notifications
) -> None:
    """For example when a record is locked: unclaimed messages would all wait for it again."""

    def wait(*arguments: Any) -> None:
        raise JobTimeoutException

    monkeypatch.setattr(batch_transaction, "merge_messages", wait)
    handles("opportunity", shares_transaction=True)(lambda event, record: None)
    messages = of_each(22)
    done = process_claim(claim_batch(["opportunity"], locks), locks, TimeBudget(60))

    assert done == 20
    assert statuses() == {"processing": 20, "waiting": 2}
    crashed = [facts["message_ids"] for stage, facts in notifications if stage is Notification.CRASHED]
    assert crashed == [[each.pk for each in messages[:20]]]


@pytest.mark.parametrize("times_out", [False, True])
def test_a_failing_callback_after_the_commit_undoes_nothing(
    locks: RecordLocks,
    notifications: Notifications,
    times_out: bool,  # noqa: FBT001
) -> None:
    def fail() -> None:
        raise JobTimeoutException if times_out else KeyError

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if event.fields["Name"] == "1":
            transaction.on_commit(fail)

    messages = of_each(22)
    done = process_claim(claim_batch(["opportunity"], locks), locks, TimeBudget(60))

    # After the timeout nothing else starts in this job.
    assert done == (20 if times_out else 22)
    assert {outcome(each) for each in messages[:20]} == {("succeeded", "", 1)}
    [crashed] = [facts["message_ids"] for stage, facts in notifications if stage is Notification.CRASHED]
    assert crashed == [each.pk for each in messages[:20]]
    assert Counter(stage for stage, _ in notifications)[Notification.SUCCEEDED] == done


@pytest.mark.postgresql
def test_a_failed_message_that_lost_its_lease_is_left_to_its_new_worker(
    notifications: Notifications,
) -> None:
    given_back: dict[str, Any] = {"status": Status.WAITING, "lease_token": None}

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        if event.fields["Name"] == "1" and event.attempt == 1 and not gone:
            gone.append(event.record_id)
            elsewhere(lambda: ProcessedMessage.objects.filter(record_id=event.record_id).update(**given_back))
            raise ValueError
        effect(event)

    gone: list[str] = []
    messages = of_each(3)
    work(OPPORTUNITIES)

    lost = [facts["message_id"] for stage, facts in notifications if stage is Notification.LEASE_LOST]
    assert lost == [messages[0].pk]
    assert MessageAttempt.objects.count() == 0
    work_again()
    assert statuses() == {"succeeded": 3}
    assert len(written()) == 3
