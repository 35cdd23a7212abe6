"""Somebody else has the message by now: nothing of the attempt stays."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from passport_events import Event, handles
from passport_events.dispatching import hints
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification, subscribe, unsubscribe
from passport_events.models import (
    ProcessedMessage,
    SalesforceRecord,
    Status,
)
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_organization,
    make_due,
    outcome,
    the_record,
    write,
    written,
)
from tests.harness.notifications import Notifications

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def test_nothing_of_the_attempt_stays(notifications: Notifications) -> None:
    """Given a handler at work, when its lease is taken, its writes and its merge roll back."""

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")
        ProcessedMessage.objects.update(status=Status.WAITING, lease_token=None)

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert Notification.LEASE_LOST in [stage for stage, _ in notifications]
    assert written() == []
    assert the_record().fields == {}
    assert outcome(message)[2] == 0


@pytest.mark.postgresql
def test_the_worker_that_took_over_has_the_only_effect() -> None:
    """Given a paused worker whose message another one finished, when it resumes, it changes nothing."""
    calls: list[str] = []

    def be_overtaken(event: Event) -> None:
        if not calls:
            calls.append("the first worker is paused")
            ProcessedMessage.objects.update(status=Status.WAITING, lease_token=None)
            make_due()
            hints.get_connection(OPPORTUNITIES).flushall()  # its lock has ended too
            other = threading.Thread(target=in_a_thread)
            other.start()
            other.join()

    @handles("opportunity", prepare=be_overtaken)
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls.append("handled")
        write(f"effect {len(calls)}")

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert calls == ["the first worker is paused", "handled", "handled"]
    assert written() == ["effect 2"]
    assert outcome(message) == ("succeeded", "", 1)


def test_a_failure_under_a_lost_lease_is_not_written_down() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        raise ValueError

    def steal(stage: Notification, facts: dict[str, Any]) -> None:
        if stage is Notification.STARTED:
            ProcessedMessage.objects.update(status=Status.WAITING, lease_token=None)

    message = a_message(an_organization())
    subscribe(steal)
    try:
        work(OPPORTUNITIES)
    finally:
        unsubscribe(steal)

    assert (message.failures.count(), outcome(message)[2]) == (0, 0)


def in_a_thread() -> None:
    """Work with a connection of its own."""
    try:
        work(OPPORTUNITIES)
    finally:
        connection.close()
