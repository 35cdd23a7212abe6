"""Two nights on call, with workers, tickers and live traffic all at once.

`PASSPORT_TEST_INCIDENT=10000` makes them as large as they were; the figures are printed (`-s`).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connections
from pytest_django.fixtures import Settings

from passport_events.clock import ClockTimestamp
from passport_events.dispatching import dispatcher
from passport_events.event import Event
from passport_events.handling.registry import handles
from passport_events.handling.worker import work
from passport_events.models import LIVE, ProcessedMessage, Progress, SalesforceRecord, Status
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import REPLAY, RETRY
from passport_events.operating.replay import preview_replay
from passport_events.operating.selection import Selection
from passport_events.receiving import inbox
from passport_events.testing import record_id, relay_message
from passport_events.wire.raw_delivery import RawDelivery
from project.embedded import ValkeyServer
from tests.operating.inbox import HOME, organization

SIZE = int(os.environ.get("PASSPORT_TEST_INCIDENT", "0"))
QUEUE = "passport-opportunities"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def say(figures: str) -> None:
    """For who runs it by hand; pytest keeps it to itself otherwise."""
    sys.stdout.write(f"{figures}\n")


def store(first: int, count: int) -> None:
    """Events about so many records, as a poller stores them."""
    for start in range(first, first + count, 100):
        numbers = range(start, min(start + 100, first + count))
        bodies = [
            relay_message(
                "Opportunity", record_id("Opportunity", n), organization=HOME, fields={"Name": "Ada"}
            )
            for n in numbers
        ]
        inbox.store(
            [
                RawDelivery(message_id=str(uuid.uuid4()), receipt_handle="", body=json.dumps(body).encode())
                for body in bodies
            ]
        )


@contextmanager
def at_once(*loops: Callable[[], object]) -> Iterator[None]:
    """Call each again and again, in threads of their own, until the block ends."""
    stop = threading.Event()
    broken: list[BaseException] = []

    def run(loop: Callable[[], object]) -> None:
        try:
            while not stop.is_set():
                loop()
        except BaseException as error:  # noqa: BLE001  the test raises it
            broken.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if broken:
        raise broken[0]


def until(done: Callable[[], bool]) -> None:
    """Wait, for long enough on any machine."""
    deadline = time.monotonic() + 900
    while not done():
        assert time.monotonic() < deadline, "it does not end"
        time.sleep(0.1)


def everything_ended() -> bool:
    return not ProcessedMessage.objects.filter(status__in=LIVE).exists()


def worker() -> None:
    work(QUEUE)
    time.sleep(0.01)


def ticker() -> None:
    runner.run_due_operations()
    dispatcher.tick()
    time.sleep(0.05)


def test_a_group_of_dead_letters_ends_under_live_traffic_and_nothing_is_handled_twice(
    redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport_events.handling.registry._handlers", {})
    monkeypatch.setattr(runner, "MAX_STEP_MESSAGES", SIZE // 20 or 50)

    @handles("opportunity")
    def enrol(event: Event, record: SalesforceRecord) -> None:
        Group.objects.create(name=f"{event.idempotency_key} {uuid.uuid4()}")

    organization()
    size = SIZE or 500
    store(0, size)
    ProcessedMessage.objects.update(
        status=Status.DEAD, due_at=None, finished_at=ClockTimestamp(), fingerprint="f00", attempts=16
    )
    fresh = Counter[str]()

    def traffic() -> None:
        store(1_000_000 + fresh["stored"], 10)
        fresh["stored"] += 10
        time.sleep(0.02)

    began = time.monotonic()
    action = runner.start(RETRY, Selection(fingerprint="f00"), Actor("ann"), "fixed in 42")
    with at_once(worker, worker, ticker, ticker):
        with at_once(traffic):
            until(lambda: type(action).objects.get(pk=action.pk).ended_at is not None)
        until(everything_ended)

    action.refresh_from_db()
    assert (action.progress, action.affected) == (Progress.DONE, size)
    handled = Counter(name.split()[0] for name in Group.objects.values_list("name", flat=True))
    assert set(handled.values()) == {1}
    assert len(handled) == size + fresh["stored"]
    assert set(ProcessedMessage.objects.values_list("status", flat=True)) == {Status.SUCCEEDED}
    say(f"retry: letters={size} live={fresh['stored']} seconds={time.monotonic() - began:.1f}")


def test_what_a_handler_wrongly_did_an_hour_ago_is_put_right_by_replay(
    redis_server: ValkeyServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization()
    size, others = SIZE or 200, 50
    calls = Counter[str]()

    def deploy(release: str, fee: str) -> None:
        monkeypatch.setattr("passport_events.handling.registry._handlers", {})
        settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "RELEASE": release}

        @handles("opportunity")
        def enrol(event: Event, record: SalesforceRecord) -> None:
            calls[release] += 1
            User.objects.update_or_create(username=event.record_id, defaults={"first_name": fee})

    def handle_all() -> None:
        with at_once(worker, worker):
            until(everything_ended)

    deploy("41", "no fee")
    store(0, size)
    handle_all()
    ProcessedMessage.objects.update(finished_at=ClockTimestamp() - timedelta(hours=1))
    deploy("42", "fee")
    store(1_000_000, others)
    handle_all()

    meant = Selection(statuses=(Status.SUCCEEDED,), event_type="opportunity", release="41")
    began = time.monotonic()
    seen = preview_replay(meant)
    looked = time.monotonic()
    action = runner.start(REPLAY, meant, Actor("ann"), "41 forgot the fee")
    with at_once(worker, worker, ticker):
        until(lambda: type(action).objects.get(pk=action.pk).ended_at is not None and everything_ended())

    action.refresh_from_db()
    assert (seen.messages, action.affected, calls["41"]) == (size, size, size)
    assert calls["42"] == others + size
    fees = Counter(User.objects.values_list("first_name", flat=True))
    assert fees == {"fee": size + others}
    generations: Any = Counter(ProcessedMessage.objects.values_list("release", "generation"))
    assert generations == {("42", 0): others, ("42", 1): size}
    ended = time.monotonic() - looked
    say(f"drill: events={size} preview={looked - began:.3f} put_right_seconds={ended:.1f}")
