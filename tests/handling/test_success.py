"""A handler that returns: what it gets, what it leaves, what it costs."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from passport_events import Event, handles
from passport_events.dispatching import hints
from passport_events.event import Change
from passport_events.handling.worker import work
from passport_events.models import (
    SalesforceRecord,
)
from passport_events.redis_store import connections
from project.embedded import ValkeyServer
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_event,
    an_organization,
    now,
    outcome,
    stored,
    work_again,
    write,
    written,
)

from .conftest import Statements

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def test_the_handler_gets_the_event_and_the_merged_record_in_one_transaction() -> None:
    seen: list[Any] = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append((event.fields, record["Name"], event.attempt, event.is_stale))
        seen.append(connection.in_atomic_block)
        write("effect")

    message = a_message(an_organization(), fields={"Name": "one"})
    assert work(OPPORTUNITIES) == 1

    assert seen == [({"Name": "one"}, "one", 1, False), True]
    assert outcome(message) == ("succeeded", "", 1)
    assert written() == ["effect"]


def test_what_it_merged_and_the_release_stand_on_the_message(change_settings: Callable[..., None]) -> None:
    change_settings(RELEASE="2026.11")
    handles("opportunity")(lambda event, record: None)
    home = an_organization()
    newer = a_message(home, fields={"Name": "b"}, at=2)
    work(OPPORTUNITIES)
    older = a_message(home, fields={"Name": "a", "Stage": "c"}, at=1, change=Change.UPDATED)
    work(OPPORTUNITIES)

    assert (now(newer).merged, now(newer).release) == (
        {"wrote": ["Name"], "lost": [], "stale": False},
        "2026.11",
    )
    assert now(older).merged == {"wrote": [], "lost": ["Name", "Stage"], "stale": True}


def test_a_handled_message_takes_three_statements(statements: Statements) -> None:
    """The floor of the design: lock, merge, finish; and what the handler itself does."""
    handles("opportunity")(lambda event, record: None)
    home = an_organization()
    counts = []
    for count in (1, 11):
        stored(*(an_event(home, number) for number in range(count)))
        SalesforceRecord.objects.all().delete()
        with statements:
            assert work(OPPORTUNITIES) == count
        counts.append((len(statements.data), len(statements.all)))

    assert (counts[1][0] - counts[0][0]) / 10 == 3
    assert (counts[1][1] - counts[0][1]) / 10 == 7  # and BEGIN, SAVEPOINT, RELEASE, COMMIT


def test_an_attempt_counts_success_too() -> None:
    answers = [ValueError(), None]

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        if error := answers.pop(0):
            raise error

    message = a_message(an_organization())
    work_again(2)

    assert outcome(message) == ("succeeded", "", 2)
    assert message.failures.count() == 1


def test_nothing_connects_inside_the_effect_transaction(
    monkeypatch: pytest.MonkeyPatch, redis_server: ValkeyServer
) -> None:
    """Given observers, locks and hints at work, no socket is opened while the record is locked."""
    inside: list[Any] = []
    connect = socket.socket.connect

    def watch(self: socket.socket, address: Any) -> None:
        if connection.in_atomic_block and "effect" in stack():
            inside.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watch)
    hints.get_rq_queue.cache_clear()  # so that every connection is opened anew
    connections.forget()
    handles("opportunity")(lambda event, record: write(event.fields["Name"]))
    stored(*(an_event(an_organization(number), number) for number in (1, 2)))
    work(OPPORTUNITIES)

    assert (inside, written()) == ([], ["name 1", "name 2"])
    assert redis_server.is_running


def stack() -> set[str]:
    """Names of the handling modules on the stack."""
    frames = traceback.walk_stack(None)
    return {frame.f_globals["__name__"].rpartition(".")[2] for frame, _ in frames}
