"""RQ's workers in processes of their own, started as an installation starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rq.serializers import JSONSerializer

from passport_events.handling import dispatcher, hints
from passport_events.handling.rq_worker import PassportSimpleWorker, PassportWorker
from passport_events.models import LIVE, ProcessedMessage, Status

from .given import OPPORTUNITIES, a_message, an_event, an_organization, now, stored, written

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.handling.workshop.settings"}
PATIENCE_SECONDS = 60
LATER = timedelta(hours=1)
SIMPLE = "passport_events.handling.rq_worker.PassportSimpleWorker"


def spawn(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **ENVIRONMENT},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*arguments: str) -> str:
    """Run to the end. Raises AssertionError with the output unless it exits with 0."""
    process = spawn(*arguments)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output
    return output


def rqworker(*arguments: str) -> tuple[str, ...]:
    return ("-m", "django", "rqworker", OPPORTUNITIES, *arguments)


@pytest.fixture
def working() -> Iterator[None]:
    """A forking worker that runs until the end of the test."""
    process = spawn(*rqworker())
    yield
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_SECONDS)


def dispatch_until(question: Callable[[], bool]) -> None:
    """Send hints as the poller does, until it is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < deadline, list(
            ProcessedMessage.objects.values("status", "reason", "due_at", "attempts", "crashes", "runs_alone")
        )
        dispatcher.tick()
        time.sleep(0.05)


@pytest.mark.parametrize("options", [(), ("--worker-class", SIMPLE)], ids=["fork", "simple"])
def test_plain_rqworker_reads_what_the_queue_of_the_settings_writes(options: tuple[str, ...]) -> None:
    """Given a queue with a JSON serializer, a worker that is told nothing about it does its jobs."""
    message = a_message(an_organization(), fields={"Name": "done"})
    hints.send([OPPORTUNITIES])

    output = run(*rqworker("--burst", *options))

    assert (now(message).status, written()) == (Status.SUCCEEDED, ["done"]), output
    assert hints.rq_queue(OPPORTUNITIES).failed_job_registry.count == 0


@pytest.mark.parametrize("worker_class", [PassportWorker, PassportSimpleWorker])
def test_the_serializer_is_the_queues_unless_another_is_named(worker_class: type) -> None:
    queue = hints.rq_queue(OPPORTUNITIES)
    plain = {"connection": queue.connection, "serializer": "rq.serializers.DefaultSerializer"}

    assert worker_class([queue], **plain).serializer is JSONSerializer
    assert worker_class([queue], connection=queue.connection).serializer is JSONSerializer
    assert worker_class(queue, connection=queue.connection).serializer is JSONSerializer
    named = worker_class([queue], connection=queue.connection, serializer="rq.serializers.PickleSerializer")
    assert named.serializer is not JSONSerializer


def test_maintenance_comes_every_minute() -> None:
    queue = hints.rq_queue(OPPORTUNITIES)
    worker = PassportWorker([queue], connection=queue.connection)

    assert (worker.maintenance_interval, worker.job_monitoring_interval) == (60, 15)


@pytest.mark.usefixtures("working")
def test_poison_becomes_a_dead_letter_and_its_neighbours_are_handled() -> None:
    """Given an event that takes its process down each time, it alone ends dead, after three crashes alone."""
    home = an_organization()
    poison = a_message(home, 1, fields={"Name": "poison"})
    neighbours = stored(*(an_event(home, number, {"Name": f"done {number}"}) for number in (2, 3, 4)))

    dispatch_until(lambda: not ProcessedMessage.objects.filter(status__in=LIVE).exists())

    assert (now(poison).status, now(poison).crashes) == (Status.DEAD, 3)
    assert list(poison.failures.values_list("outcome", flat=True)) == ["crashed"] * 3
    assert {now(message).status for message in neighbours} == {Status.SUCCEEDED}
    assert written() == ["done 2", "done 3", "done 4"]


@pytest.mark.postgresql
@pytest.mark.parametrize("worker_class", ["PassportWorker", "PassportSimpleWorker"])
def test_a_connection_that_ends_in_one_job_does_not_fail_the_next(worker_class: str) -> None:
    """Given a worker whose backend was terminated outside of any transaction, its next job works."""
    home = an_organization()
    a_message(home, 1, fields={"Name": "cut"})
    jobs = f"""
import django; django.setup()
from passport_events.handling import hints, rq_worker
from passport_events.models import ProcessedMessage
queue = hints.rq_queue({OPPORTUNITIES!r})
worker = rq_worker.{worker_class}([queue], connection=queue.connection)
hints.send([queue.name])
worker.work(burst=True)
ProcessedMessage.objects.filter(status="waiting").update(due_at="2020-01-01T00:00:00Z")
hints.send([queue.name])
worker.work(burst=True)
"""
    stored(an_event(home, 2, {"Name": "done"}), due_in=LATER)

    output = run("-c", jobs)

    assert written() == ["done"], output
    assert hints.rq_queue(OPPORTUNITIES).failed_job_registry.count == 0
    assert ProcessedMessage.objects.filter(status=Status.SUCCEEDED).count() == 1


@pytest.mark.postgresql
def test_jobs_never_share_a_connection_with_a_parent_that_has_one() -> None:
    """Given a parent with an open connection, each fork opens its own, and the parent's still works."""
    home = an_organization()
    jobs = f"""
import django; django.setup()
from django.db import connection
from passport_events.handling import hints, rq_worker
from passport_events.models import ProcessedMessage
def backend():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]
queue = hints.rq_queue({OPPORTUNITIES!r})
worker = rq_worker.PassportWorker([queue], connection=queue.connection)
for _ in range(2):
    print("backend", backend())
    message = ProcessedMessage.objects.filter(status="waiting").earliest("pk")
    ProcessedMessage.objects.filter(pk=message.pk).update(due_at="2020-01-01T00:00:00Z")
    hints.send([queue.name])
    worker.work(burst=True)
print("backend", backend())
"""
    stored(*(an_event(home, number, {"Name": "backend"}) for number in (1, 2)), due_in=LATER)

    output = run("-c", jobs)

    parents = {line for line in output.splitlines() if line.startswith("backend ")}
    assert len(written()) == 2, output
    assert not set(written()) & parents
