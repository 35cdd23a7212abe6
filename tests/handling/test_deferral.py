"""A handler that says RetryLater: it waits, and costs nothing for a week."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from passport_events import Event, RetryLater, handles
from passport_events.handling.retry import MAX_DEFERRED_TIME
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification
from passport_events.models import ProcessedMessage, SalesforceRecord, Status
from passport_events.operating import operations
from passport_events.operating.audit_log import Actor
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_organization,
    now,
    outcome,
    the_record,
    work_again,
    write,
    written,
)
from tests.harness.notifications import Notifications
from tests.operating.inbox import operate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]

ON_CALL = Actor("on call")


def put_off(delay: float | timedelta = 600) -> None:
    """Let the handler of opportunities say RetryLater each time."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")
        raise RetryLater(delay)


def a_week_passes() -> None:
    ProcessedMessage.objects.update(deferred_since=F("deferred_since") - MAX_DEFERRED_TIME)


def test_it_waits_as_long_as_the_handler_says() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        raise RetryLater(timedelta(days=2), "the program opens on Monday")

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    due_at = now(message).due_at
    assert due_at is not None
    assert due_at - timezone.now() == pytest.approx(timedelta(days=2), abs=timedelta(minutes=1))
    assert outcome(message) == ("waiting", "the program opens on Monday", 0)


def test_its_writes_are_rolled_back_and_the_merge_stays(notifications: Notifications) -> None:
    put_off()
    message = a_message(an_organization(), fields={"Name": "one"})
    work(OPPORTUNITIES)

    assert (written(), the_record()["Name"]) == ([], "one")
    assert now(message).merged["wrote"] == ["Name"]
    [facts] = [facts for stage, facts in notifications if stage is Notification.RETRYING]
    assert facts["error_class"] == "passport_events.exceptions.RetryLater"


def test_the_reason_is_kept_without_the_payload() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        raise RetryLater(60, f"no program for {event.fields['Name']} yet")

    message = a_message(an_organization(), fields={"Name": "Maria Lopez"})
    work(OPPORTUNITIES)

    assert now(message).reason == "no program for [value] yet"


def test_it_costs_nothing_however_often() -> None:
    put_off()
    message = a_message(an_organization())
    work_again(40)

    assert (now(message).status, now(message).attempts) == (Status.WAITING, 0)
    assert not message.failures.exists()


def test_a_zero_delay_leaves_the_worker_to_others() -> None:
    """Given a handler that wants to be called again at once, the job ends all the same."""
    calls = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls.append(event)
        raise RetryLater(0)

    a_message(an_organization())

    assert work(OPPORTUNITIES) == len(calls) == 1


@pytest.mark.parametrize("delay", [600, -5, timedelta.max], ids=["plain", "negative", "beyond the calendar"])
def test_after_a_week_it_counts_and_ends_as_a_dead_letter(delay: float | timedelta) -> None:
    put_off(delay)
    message = a_message(an_organization())
    work_again(3)
    a_week_passes()
    work_again(16)

    assert outcome(message) == ("dead", "retries used up: passport_events.exceptions.RetryLater", 16)
    assert message.failures.count() == 16


def test_the_week_begins_with_the_first_time() -> None:
    put_off()
    message = a_message(an_organization())
    work(OPPORTUNITIES)
    since = now(message).deferred_since
    work_again(2)

    assert since is not None
    assert now(message).deferred_since == since


def test_an_operators_retry_begins_a_new_week() -> None:
    put_off()
    message = a_message(an_organization())
    work(OPPORTUNITIES)
    a_week_passes()
    work_again(16)
    operate(operations.RETRY, ProcessedMessage.objects.all(), ON_CALL, "it is back")
    work_again(3)

    assert (now(message).status, now(message).attempts) == (Status.WAITING, 0)


def test_it_clears_the_suspicion_of_a_crash() -> None:
    """Given an isolated message, when its handler raises RetryLater, the isolation ends."""
    put_off()
    message = a_message(an_organization())
    ProcessedMessage.objects.update(isolated=True)
    work(OPPORTUNITIES)

    assert (now(message).isolated, now(message).attempts) == (False, 0)
