"""Redis loses everything while 10,000 rows wait: a few hints bring them all to their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Worker

from passport_events.dispatching import dispatcher, hints
from passport_events.models import ProcessedMessage, SalesforceRecord
from project.embedded import ValkeyServer
from tests.handling.factories import OPPORTUNITIES, a_backlog, an_organization, statuses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

ROWS, ORGANIZATIONS, WORKERS = 10_000, 4, 2
FLUSHED_AT = (ROWS, 7_500, 5_000, 2_500)
"""While so many rows wait, or fewer, Redis is flushed once more."""
IN_HAND = WORKERS * 400
"""At most: a batch each, and what else is due of its records."""
PATIENCE_SECONDS = 240
REPOSITORY = Path(__file__).parents[2]
RQWORKER = (
    *("-m", "django", "rqworker", OPPORTUNITIES),
    *("--worker-class", "passport_events.handling.rq_worker.PassportSimpleWorker"),
)


@pytest.fixture
def idle_workers(redis_server: ValkeyServer) -> Iterator[None]:
    """They have started, and wait for a hint."""
    workers = [
        subprocess.Popen(
            [sys.executable, *RQWORKER],
            env=os.environ,
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(WORKERS)
    ]
    queue, deadline = hints.get_rq_queue(OPPORTUNITIES), time.monotonic() + PATIENCE_SECONDS
    while Worker.count(queue=queue) < WORKERS:
        assert time.monotonic() < deadline, "the workers did not start"
        time.sleep(0.1)
    yield
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        worker.wait(PATIENCE_SECONDS)


def left() -> int:
    return ProcessedMessage.objects.filter(due_at__isnull=False).count()


def tick_until(most_left: int) -> list[int]:
    """Tick as pollers do until so few rows wait; return the number of hints in RQ after each tick."""
    found, deadline = [], time.monotonic() + PATIENCE_SECONDS
    while left() > most_left:
        assert time.monotonic() < deadline, f"{left()} rows wait still"
        dispatcher.tick()
        for _ in range(10):
            found.append(hints.get_rq_queue(OPPORTUNITIES).count)
            time.sleep(0.01)
    return found


@pytest.mark.usefixtures("idle_workers")
def test_a_handful_of_hints_is_enough_for_10_000_rows(redis_server: ValkeyServer) -> None:
    """Given a flush before the first is handled and three on the way, each time handling goes on by itself."""
    for number in range(ORGANIZATIONS):
        a_backlog(an_organization(number), ROWS // ORGANIZATIONS)

    found = []
    for waiting in FLUSHED_AT:
        found += tick_until(waiting)
        redis_server.flush()
        goes_on = min(left(), waiting) - (IN_HAND if waiting < ROWS else 0) - 1
        found += tick_until(goes_on)
    found += tick_until(0)

    assert max(found) <= hints.MAX_WAITING
    assert statuses() == {"succeeded": ROWS}
    assert SalesforceRecord.objects.count() == ROWS
    assert set(ProcessedMessage.objects.values_list("attempts", flat=True)) == {1}


def test_a_hint_that_redis_lost_is_sent_again_within_ten_seconds() -> None:
    """At the latest after the flag of the lost one and the next tick; how busy a machine is comes on top."""
    assert hints.FLAG_SECONDS + dispatcher.TICK_SECONDS < 10


def test_without_workers_hints_do_not_pile_up(redis_server: ValkeyServer) -> None:
    """Given a flush and nobody who takes hints, each minute's tick leaves it at a handful."""
    a_backlog(an_organization(), 500)
    redis_server.flush()
    redis = hints.get_connection(OPPORTUNITIES)
    for _ in range(60):
        redis.delete(dispatcher.get_tick_key(), hints.get_flag_key(OPPORTUNITIES))  # what a minute does
        dispatcher.tick()

    assert hints.get_rq_queue(OPPORTUNITIES).count == hints.MAX_WAITING
