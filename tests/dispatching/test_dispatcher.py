"""The dispatcher: whatever is due is hinted at, once a second in all."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from passport_events.dispatching import dispatcher, hints
from passport_events.handling.jobs import work_on_queue
from passport_events.models import Status
from project.embedded import ValkeyServer
from tests.handling.conftest import Statements
from tests.handling.factories import (
    OPPORTUNITIES,
    a_backlog,
    a_message,
    an_event,
    an_organization,
    now,
    pause,
    stored,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]

ITEMS = "passport-items"


def hinted() -> dict[str, int]:
    names = (OPPORTUNITIES, ITEMS, "passport-attachments")
    return {name: hints.get_rq_queue(name).count for name in names if hints.get_rq_queue(name).count}


def test_queues_with_due_rows_are_hinted_at_and_no_others() -> None:
    home = an_organization()
    a_message(home)
    stored(an_event(home, event_type="item"), due_in=timedelta(hours=1))

    assert dispatcher.dispatch() == 1
    assert hinted() == {OPPORTUNITIES: 1}


def test_retries_dead_workers_and_suspects_are_due_rows_too() -> None:
    home = an_organization()
    stored(an_event(home), isolated=True)
    [held] = stored(an_event(home, event_type="item"))
    type(held).objects.filter(pk=held.pk).update(
        status=Status.PROCESSING, lease_token="00000000-0000-0000-0000-000000000001"
    )

    assert dispatcher.dispatch() == 2
    assert hinted() == {OPPORTUNITIES: 1, ITEMS: 1}


@pytest.mark.parametrize("is_of_home", [False, True])
@pytest.mark.parametrize("event_type", ["", "opportunity"])
def test_what_is_paused_is_not_hinted_at(event_type: str, *, is_of_home: bool) -> None:
    home = an_organization()
    a_message(home)
    pause(event_type, home if is_of_home else None)

    assert dispatcher.dispatch() == 0


def test_a_pause_of_one_organization_does_not_hide_another() -> None:
    home, other = an_organization(1), an_organization(2)
    a_message(home)
    a_message(other)
    pause("", home)
    pause("opportunity", home)

    assert dispatcher.dispatch() == 1


@pytest.mark.django_db(transaction=True)
def test_in_all_it_looks_once_a_second(statements: Statements) -> None:
    """Given ten processes that tick at once, one of them looks."""
    a_message(an_organization())
    sent: list[int] = []

    def tick() -> None:
        sent.append(dispatcher.tick())
        connection.close()

    threads = [threading.Thread(target=tick) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with statements:
        assert dispatcher.tick() == 0

    assert (sorted(sent), statements.all) == ([0] * 9 + [1], [])
    redis = hints.get_connection(OPPORTUNITIES)
    assert 0 < redis.pttl(dispatcher.get_tick_key()) <= 1000


def test_after_a_flush_it_hints_again(redis_server: ValkeyServer) -> None:
    """Given hints, flags and locks that are all gone, the rows are found and handled."""
    message = a_message(an_organization())
    dispatcher.tick()
    redis_server.flush()
    assert hinted() == {}

    assert dispatcher.tick() == 1
    assert hinted() == {OPPORTUNITIES: 1}
    work_on_queue(OPPORTUNITIES)
    assert now(message).status == Status.SUCCEEDED


def test_without_redis_it_asks_nothing_of_the_database(
    redis_server: ValkeyServer, statements: Statements
) -> None:
    a_message(an_organization())
    redis_server.kill()

    with statements:
        assert dispatcher.tick() == 0
    assert statements.all == []


def test_a_job_ticks_so_that_workers_alone_keep_retries_going() -> None:
    """Given no poller, a job of one queue hints at another queue's due rows."""
    a_message(an_organization(), event_type="item")

    work_on_queue(OPPORTUNITIES)

    assert hinted() == {ITEMS: 1}


def test_looking_takes_one_statement_for_each_queue_and_one_for_the_pauses(statements: Statements) -> None:
    a_backlog(an_organization(), 300)

    with statements:
        dispatcher.dispatch()

    assert len(statements.data) == 4
