"""What a handler needs is away for hours or days: what it costs, and what is left to do afterwards.

The clock is simulated: rows are moved into the past instead of sleeping.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F, Min
from django.utils import timezone

from passport_events import Event, RetryLater, handles
from passport_events.handling.worker import work
from passport_events.models import MessageAttempt, ProcessedMessage, SalesforceRecord, Status
from passport_events.operating import operations
from passport_events.operating.audit_log import Actor
from tests.handling.factories import (
    OPPORTUNITIES,
    an_event,
    an_organization,
    statuses,
    stored,
    write,
    written,
)
from tests.operating.inbox import operate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]

A_WEEKEND = timedelta(hours=48)
A_NIGHT = timedelta(hours=14)
LOOKS_AGAIN = timedelta(hours=3)
MESSAGES = 3
POLICY = 16
"""Attempts: the first one, and 15 retries."""


class Outage:
    """Something that a handler calls, and that does not answer."""

    def __init__(self) -> None:
        self.is_over = False
        self.lasted = timedelta(0)

    def call(self, event: Event) -> str:
        """What it says, if it says something."""
        if not self.is_over:
            raise ConnectionError("no route to host")
        return f"answer for {event.record_id}"

    def lasts(self, duration: timedelta) -> None:
        """Work whenever something is due, until so much time is over. Then it answers again."""
        while (step := self._until_next_due()) <= duration - self.lasted:
            self._pass(step)
            work(OPPORTUNITIES)
        self._pass(duration - self.lasted)
        self.is_over = True

    def is_forgotten(self) -> None:
        """Work until nothing waits any more, at whatever time that is."""
        while ProcessedMessage.objects.filter(due_at__isnull=False).exists():
            self._pass(self._until_next_due())
            work(OPPORTUNITIES)

    def _until_next_due(self) -> timedelta:
        due_at = ProcessedMessage.objects.aggregate(due_at=Min("due_at"))["due_at"]
        return timedelta.max if due_at is None else max(timedelta(0), due_at - timezone.now())

    def _pass(self, time: timedelta) -> None:
        self.lasted += time
        moved: dict[str, Any] = {name: F(name) - time for name in ("due_at", "deferred_since")}
        ProcessedMessage.objects.update(**moved)


@pytest.fixture
def outage() -> Outage:
    return Outage()


def let_it_out(outage: Outage) -> None:
    """A handler that does not know what an outage is."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write(outage.call(event))


def put_off_in_the_handler(outage: Outage) -> None:
    """A handler that knows, and says so."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        try:
            write(outage.call(event))
        except ConnectionError as error:
            raise RetryLater(LOOKS_AGAIN, "it does not answer") from error


def put_off_in_prepare(outage: Outage) -> None:
    """The same, outside of the transaction."""

    def ask(event: Event) -> str:
        try:
            return outage.call(event)
        except ConnectionError as error:
            raise RetryLater(LOOKS_AGAIN, "it does not answer") from error

    @handles("opportunity", prepare=ask)
    def handler(event: Event, record: SalesforceRecord) -> None:
        write(event.prepared)


def some_wait() -> None:
    home = an_organization()
    stored(*(an_event(home, number) for number in range(MESSAGES)))


def assert_all_are_handled_once() -> None:
    assert statuses() == {"succeeded": MESSAGES}
    assert len(written()) == MESSAGES


@pytest.mark.parametrize("register", [put_off_in_the_handler, put_off_in_prepare])
def test_48_hours_that_the_handler_names_cost_nothing_and_need_no_hand(
    outage: Outage, register: Callable[[Outage], None]
) -> None:
    register(outage)
    some_wait()
    outage.lasts(A_WEEKEND)

    assert outage.lasted == A_WEEKEND
    assert statuses() == {"waiting": MESSAGES}
    assert not MessageAttempt.objects.exists()
    outage.is_forgotten()
    assert_all_are_handled_once()
    assert set(ProcessedMessage.objects.values_list("attempts", flat=True)) == {1}
    # Recovery waits no longer than the handler asked for.
    assert outage.lasted - A_WEEKEND <= LOOKS_AGAIN


def test_48_hours_that_nobody_names_cost_what_the_policy_says_and_end_in_dead_letters(
    outage: Outage,
) -> None:
    """What the decision about long outages is about: 15 retries do not last for two days."""
    let_it_out(outage)
    some_wait()
    outage.lasts(A_WEEKEND)

    assert statuses() == {"dead": MESSAGES}
    assert set(ProcessedMessage.objects.values_list("attempts", flat=True)) == {POLICY}
    assert MessageAttempt.objects.count() == POLICY * MESSAGES
    # The one hand that it takes then sends all of them back.
    operate(operations.RETRY, ProcessedMessage.objects.all(), Actor("on call"), "it is back")
    work(OPPORTUNITIES)
    assert_all_are_handled_once()


def test_a_night_needs_no_hand_whatever_the_handler_raises(outage: Outage) -> None:
    let_it_out(outage)
    some_wait()
    outage.lasts(A_NIGHT)

    assert not ProcessedMessage.objects.filter(status=Status.DEAD).exists()
    outage.is_forgotten()
    assert_all_are_handled_once()
    assert max(ProcessedMessage.objects.values_list("attempts", flat=True)) <= POLICY


def test_what_comes_late_in_a_long_outage_needs_no_hand_either(outage: Outage) -> None:
    """Given an outage of 48 hours, what comes in its last 14 is handled by itself."""
    let_it_out(outage)
    outage.lasted = A_WEEKEND - A_NIGHT
    some_wait()
    outage.lasts(A_WEEKEND)
    outage.is_forgotten()

    assert_all_are_handled_once()
