"""Work that other apps do on the side."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from passport_events import periodic_tasks
from passport_events.dispatching import dispatcher
from tests.harness.notifications import Notifications

NAME = "a chore of these tests"


@pytest.fixture(autouse=True)
def _no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of installed apps would take their time."""
    monkeypatch.setattr(periodic_tasks, "_tasks", {})


def test_a_chore_is_told_which_queues_it_may_ask_about() -> None:
    told: list[Collection[str]] = []
    periodic_tasks.register(NAME, told.append)
    periodic_tasks.run(["https://sqs.example/queue"])
    periodic_tasks.run()
    assert told == [["https://sqs.example/queue"], ()]


def test_one_that_fails_stops_neither_the_caller_nor_those_after_it(notifications: Notifications) -> None:
    ran: list[Collection[str]] = []

    def fail(queue_urls: Collection[str]) -> None:
        if not ran:
            raise ValueError("student@example.edu")

    periodic_tasks.register(NAME, fail)
    periodic_tasks.register(f"{NAME}, too", ran.append)
    periodic_tasks.run()
    periodic_tasks.run()

    assert len(ran) == 2
    assert notifications.states_of(NAME) == ["away", "here"]
    assert "student" not in str(notifications)


@pytest.mark.django_db
def test_what_looks_for_due_rows_does_the_chores_too(redis_server: object) -> None:
    told: list[Collection[str]] = []
    periodic_tasks.register(NAME, told.append)
    dispatcher.tick()
    dispatcher.tick()  # in the same second
    assert told == [()]
