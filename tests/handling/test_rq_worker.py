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
from typing import Any

import django_rq
import pytest
from django.db import connections
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from passport_events.dispatching import dispatcher, hints
from passport_events.handling import fork_safety
from passport_events.handling.hint_job import HintJob, HintQueue
from passport_events.handling.rq_worker import PassportSimpleWorker, PassportWorker
from passport_events.models import LIVE, ProcessedMessage, Status
from passport_events.operating import rq_state
from passport_events.redis_store import keys
from project.embedded import ValkeyServer
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_event,
    an_organization,
    now,
    statuses,
    stored,
    written,
)

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
            ProcessedMessage.objects.values("status", "reason", "due_at", "attempts", "crashes", "isolated")
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
    assert hints.get_rq_queue(OPPORTUNITIES).failed_job_registry.count == 0


@pytest.mark.parametrize("worker_class", [PassportWorker, PassportSimpleWorker])
@pytest.mark.parametrize("named", [None, "json", "pickle", "rq.serializers.DefaultSerializer"])
def test_only_json_and_only_hints_are_read_whatever_is_named(worker_class: type, named: str | None) -> None:
    """Case B6, case C3. `rqworker` and `rqworker-pool` name RQ's default, which is pickle."""
    queue: Any = django_rq.get_queue(OPPORTUNITIES)
    options = {"connection": queue.connection, "serializer": named, "job_class": Job, "queue_class": Queue}

    for queues in ([queue], queue, [OPPORTUNITIES], OPPORTUNITIES):
        worker = worker_class(queues, **options)
        [own] = worker.queues
        assert (own.name, own.serializer, own.job_class) == (OPPORTUNITIES, JSONSerializer, HintJob)
        assert (worker.serializer, worker.job_class, worker.queue_class) == (
            JSONSerializer,
            HintJob,
            HintQueue,
        )


@pytest.mark.any_database
def test_a_pool_of_workers_reads_hints() -> None:
    """Case C3. Given `rqworker-pool` with the documented settings."""
    message = a_message(an_organization(), fields={"Name": "done"})
    hints.send([OPPORTUNITIES])

    output = run("-m", "django", "rqworker-pool", OPPORTUNITIES, "--burst", "--num-workers", "2")

    assert (now(message).status, written()) == (Status.SUCCEEDED, ["done"]), output


def test_maintenance_comes_every_minute() -> None:
    queue = hints.get_rq_queue(OPPORTUNITIES)
    worker = PassportWorker([queue], connection=queue.connection)

    assert (worker.maintenance_interval, worker.job_monitoring_interval) == (60, 15)


@pytest.mark.usefixtures("working")
def test_poison_becomes_a_dead_letter_and_its_neighbours_are_handled() -> None:
    """Given an event that takes its process down each time, only that message is dead, after three crashes."""
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
from passport_events.dispatching import hints
from passport_events.handling import rq_worker
from passport_events.models import ProcessedMessage
queue = hints.get_rq_queue({OPPORTUNITIES!r})
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
    assert hints.get_rq_queue(OPPORTUNITIES).failed_job_registry.count == 0
    assert ProcessedMessage.objects.filter(status=Status.SUCCEEDED).count() == 1


@pytest.mark.postgresql
def test_jobs_never_share_a_connection_with_a_parent_that_has_one() -> None:
    """Given a parent with an open connection, each fork opens its own, and the parent's still works."""
    home = an_organization()
    jobs = f"""
import django; django.setup()
from django.db import connection
from passport_events.dispatching import hints
from passport_events.handling import rq_worker
from passport_events.models import ProcessedMessage
def backend():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]
queue = hints.get_rq_queue({OPPORTUNITIES!r})
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


@pytest.mark.postgresql
@pytest.mark.parametrize("start", ["worker", "a child of a pool"])
def test_nothing_that_a_killed_attempt_wrote_is_committed_by_the_next_child(start: str) -> None:
    """Case A1. Given Django's connection pool, and a parent that has asked the database already."""
    home = an_organization()
    stored(an_event(home, 1, {"Name": "half"}), an_event(home, 2, {"Name": "done"}))
    jobs = f"""
import os, time, django; django.setup()
from django.conf import settings
from django.db import connection, connections
settings.DATABASES["default"].setdefault("OPTIONS", {{}})["pool"] = {{"min_size": 2, "max_size": 6}}
del connections["default"]
with connection.cursor() as cursor: cursor.execute("SELECT 1")
connection.close()
from passport_events.dispatching import dispatcher, hints
from passport_events.handling import rq_worker
from passport_events.models import ProcessedMessage
assert connection._connection_pools
if {start!r} != "worker" and os.fork():
    raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))
pool = connection._connection_pools
assert bool(pool) == ({start!r} == "worker"), pool
queue = hints.get_rq_queue({OPPORTUNITIES!r})
worker = rq_worker.PassportWorker([queue], connection=queue.connection)
deadline = time.monotonic() + {PATIENCE_SECONDS}
undone = ProcessedMessage.objects.filter(due_at__isnull=False, crashes__lt=2)
while undone.exists() and time.monotonic() < deadline:
    dispatcher.tick()
    worker.work(burst=True)
    time.sleep(0.1)
"""  # noqa: S608  it is no SQL

    output = run("-c", jobs)

    assert statuses()["succeeded"] == 1, output
    assert written() == ["done"], output


def test_a_child_forgets_connections_and_pools_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case A1. Also for forks by os.fork; nothing is written to the parent's sockets."""
    before = connections["default"]
    pools = {"default": object()}
    monkeypatch.setattr(type(before), "_connection_pools", pools, raising=False)
    closed: list[str] = []
    monkeypatch.setattr(type(before), "close", lambda self: closed.append(self.alias))
    try:
        fork_safety.drop_inherited_connections()

        assert connections["default"] is not before
        assert (pools, closed) == ({}, [])
    finally:
        connections["default"] = before
        fork_safety._inherited_connections.clear()


@pytest.mark.any_database
@pytest.mark.parametrize("kind", ["idle", "busy"])
@pytest.mark.parametrize("options", [(), ("--worker-class", SIMPLE)], ids=["fork", "simple"])
def test_workers_register_again_after_redis_was_flushed(
    kind: str, options: tuple[str, ...], redis_server: ValkeyServer
) -> None:
    """Case C1. Given FLUSHALL under a worker, health finds it again, with its own installation."""
    queue = hints.get_rq_queue(OPPORTUNITIES)
    worker = spawn("-m", "tests.handling.workshop.soon", OPPORTUNITIES, *options)
    try:
        wait_until(lambda: len(rq_state.list_workers(queue)) == 1)
        if kind == "busy":
            a_message(an_organization(), fields={"Name": "slow"})
            dispatch_until(lambda: not ProcessedMessage.objects.filter(status=Status.WAITING).exists())
        redis_server.flush()
        wait_until(
            lambda: [each.installation for each in rq_state.list_workers(queue)] == [keys.get_installation()]
        )
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=PATIENCE_SECONDS)
    assert not rq_state.list_workers(queue)


def wait_until(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)
