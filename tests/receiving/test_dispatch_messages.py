"""`manage.py dispatch_messages`: the dispatcher alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import OperationalError

from passport_events.dispatching import hints
from passport_events.models import SalesforceOrganization
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue
from tests.harness.notifications import Notifications
from tests.receiving.factories import opportunity

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """The command replaces this process's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_once_hints_at_queues_with_due_rows(
    home: SalesforceOrganization, queue: FakeQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.send(opportunity(1))
    poll_once(queue)
    hints.get_connection("passport-opportunities").flushall()

    call_command("dispatch_messages", "--once")

    assert capsys.readouterr().out == "dispatch_messages: hints=1\n"
    assert hints.get_rq_queue("passport-opportunities").count == 1


def test_once_with_nothing_due_hints_at_nobody(
    home: SalesforceOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("dispatch_messages", "--once")
    assert capsys.readouterr().out == "dispatch_messages: hints=0\n"


@pytest.mark.usefixtures("short_timeouts")
def test_it_outlives_a_database_that_goes_away_and_ends_when_told_to(
    monkeypatch: pytest.MonkeyPatch, notifications: Notifications
) -> None:
    ticks = []

    def tick() -> int:
        ticks.append(threading.current_thread())
        if len(ticks) <= 2:
            raise OperationalError("the connection is lost")
        if len(ticks) > 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return 0

    monkeypatch.setattr("passport_events.dispatching.dispatcher.tick", tick)

    call_command("dispatch_messages")

    assert len(ticks) >= 4
    assert notifications.states_of("database") == ["away", "here"]
