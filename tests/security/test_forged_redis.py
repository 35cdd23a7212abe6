"""Case B6. Who can write to Redis can delay work, and make no worker of ours run anything but hints."""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rq import Queue
from rq.registry import FailedJobRegistry
from rq.results import Result

from passport_events.dispatching import hints
from passport_events.handling.hint_job import HintJob, read_hint
from passport_events.operating import health
from passport_events.operating.finding import Code
from passport_events.redis_store import keys
from project.embedded import LOOPBACK, ValkeyServer
from tests.handling.factories import OPPORTUNITIES, a_message, an_organization, now, written
from tests.handling.test_rq_worker import PATIENCE_SECONDS, rqworker, spawn, wait_until

pytestmark = pytest.mark.any_database  # Redis is forged, not the database
REPOSITORY = Path(__file__).parents[2]
SECRET = "evil_of_the_attacker"
WORKERS = {
    "fork": ("rqworker", OPPORTUNITIES, "--burst", "--with-scheduler"),
    "simple": (
        *("rqworker", OPPORTUNITIES, "--burst", "--with-scheduler", "--serializer", "pickle"),
        *("--worker-class", "passport_events.handling.rq_worker.PassportSimpleWorker"),
    ),
    "pool": (
        *("rqworker-pool", OPPORTUNITIES, "--burst", "--num-workers", "1"),
        *("--worker-class", "passport_events.handling.rq_worker.PassportWorker"),
    ),
}
Fields = Mapping[str, bytes]
HINT: list[Any] = [hints.JOB, None, [OPPORTUNITIES, ""], {}]


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.system, (f"touch {self.path}",))


def as_json(*call: Any) -> Fields:
    return {"data": zlib.compress(json.dumps(call).encode())}


def forgeries(marker: str, listener: int) -> dict[str, Fields]:
    """Jobs that leave a file, or call a port, where RQ's own workers execute them."""
    pickled, evil = pickle.dumps(Touch(marker)), f"{SECRET}.run".encode()
    callbacks = {f"{when}_callback_name": evil for when in ("success", "failure", "stopped")}
    webhooks = [
        {"url": f"http://{LOOPBACK}:{listener}/", "job_status": status} for status in ("finished", "failed")
    ]
    side = {**callbacks, "webhooks": json.dumps(webhooks).encode(), "meta": pickled, "result": pickled}
    again = {
        "repeats_left": b"3",
        "repeat_intervals": b"[0]",
        "retries_left": b"3",
        "retry_intervals": b"[0]",
    }
    return {
        "another function": as_json("os.system", None, [f"touch {marker}"], {}),
        "an import": as_json(f"{SECRET}.run", None, [], {}),
        "pickle": {"data": pickled},
        "packed pickle": {"data": zlib.compress(pickled)},
        "a pickled call": {"data": pickle.dumps((hints.JOB, Touch(marker), (OPPORTUNITIES,), {}))},
        "an instance": as_json(hints.JOB, SECRET, [OPPORTUNITIES], {}),
        "an unknown queue": as_json(hints.JOB, None, [SECRET], {}),
        "a sender that is none": as_json(hints.JOB, None, [OPPORTUNITIES, f"{SECRET}*"], {}),
        "more arguments": as_json(hints.JOB, None, [OPPORTUNITIES, "", SECRET], {}),
        "keywords": as_json(hints.JOB, None, [OPPORTUNITIES], {"sender": SECRET}),
        "text for a list": as_json(hints.JOB, None, OPPORTUNITIES[:1], {}),
        "side effects of a hint": {**as_json(*HINT), **side},
        "side effects of a refusal": {**as_json("os.system", None, ["true"], {}), **side},
        "again and again": {**as_json("os.system", None, ["true"], {}), **again},
        "a hint again and again": {**as_json(*HINT), **again},
        "a bomb": {"data": zlib.compress(b"[" * 50_000_000)},
        "depth": {"data": b"[" * 4_000},
        "nonsense": dict.fromkeys(
            (
                *("data", "created_at", "started_at", "ended_at", "enqueued_at", "status", "timeout", "ttl"),
                *("origin", "result_ttl", "failure_ttl", "dependency_ids", "retries_left", "group_id"),
                *("enqueue_at_front", "success_callback_timeout", "last_heartbeat", "worker_name"),
            ),
            b"\xff" + SECRET.encode(),
        ),
        "another place": {**as_json("os.system", None, ["true"], {}), "origin": SECRET.encode()},
        "a limit": {**as_json(*HINT), "rate_limit_key": SECRET.encode(), "rate_limit_concurrency": b"1"},
        "a log line": {
            **as_json("os.system", None, ["true"], {}),
            "description": f"x\n{SECRET}".encode(),
        },
    }


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port of the attacker's."""
    with socket.create_server((LOOPBACK, 0)) as server:
        server.setblocking(False)
        yield server


def forge(forged: Mapping[str, Fields]) -> None:
    """Write them as RQ would, and everything else that RQ looks at."""
    redis: Any = hints.get_connection(OPPORTUNITIES)
    queue, past = hints.get_rq_queue(OPPORTUNITIES), time.time() - 100
    for number, fields in enumerate(forged.values()):
        job, abandoned = f"forged-{number}", f"abandoned-{number}"
        for each in (job, abandoned):
            started = {"created_at": b"2026-01-01T00:00:00.000000Z", "status": b"started"}
            redis.hset(f"rq:job:{each}", mapping={**started, **fields})
        redis.sadd(f"rq:job:{job}:dependents", "forged-0", "forged-1")
        redis.zadd(f"rq:scheduled:{OPPORTUNITIES}", {job: past})
        redis.zadd(f"rq:wip:{OPPORTUNITIES}", {f"{abandoned}:1": past, b"\xff": past})
        redis.lpush(queue.intermediate_queue_key, abandoned, b"\xff")
        redis.rpush(queue.key, job)
    redis.set("rq:job:text", "no hash")
    redis.rpush(queue.key, "text", "missing", "../x", "a b\n", b"\xff\xfe")


def run_worker(arguments: tuple[str, ...], directory: Path) -> str:
    settings = {"DJANGO_SETTINGS_MODULE": "tests.handling.workshop.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        env={**os.environ, **settings, "PYTHONPATH": f"{directory}:{REPOSITORY}"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return done.stdout + done.stderr


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", WORKERS)
def test_no_forged_job_is_executed(
    kind: str, redis_server: ValkeyServer, tmp_path: Path, listener: socket.socket
) -> None:
    """Case B6. Given jobs of every kind behind it, a hint is answered, and nothing else happens."""
    marker = tmp_path / "touched"
    (tmp_path / f"{SECRET}.py").write_text(f"open({str(marker)!r}, 'w')\ndef run(*call): pass\n")
    message = a_message(an_organization(), fields={"Name": "done"})
    forged = forgeries(str(marker), listener.getsockname()[1])
    hints.send([OPPORTUNITIES])  # first: behind so many it would wait for the dispatcher
    forge(forged)

    output = run_worker(WORKERS[kind], tmp_path)

    assert not marker.exists(), output
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert (now(message).status, written()) == ("succeeded", ["done"]), output
    assert hints.get_rq_queue(OPPORTUNITIES).count == 0, output
    assert SECRET not in output
    assert "touch " not in output
    assert "JobRefused" in output


@pytest.mark.django_db
def test_another_worker_class_executes_them(
    redis_server: ValkeyServer, tmp_path: Path, listener: socket.socket
) -> None:
    """What the tests above prove nothing without: RQ's own worker is taken over by one of these jobs."""
    marker = tmp_path / "touched"
    forged = forgeries(str(marker), listener.getsockname()[1])["another function"]
    redis: Any = hints.get_connection(OPPORTUNITIES)
    redis.hset("rq:job:forged", mapping={"created_at": b"2026-01-01T00:00:00.000000Z", **forged})
    redis.rpush(hints.get_rq_queue(OPPORTUNITIES).key, "forged")

    run_worker(
        (
            "rqworker",
            OPPORTUNITIES,
            *["--burst", "--worker-class", "rq.SimpleWorker", "--serializer", "json"],
        ),
        tmp_path,
    )

    assert marker.exists()


@pytest.mark.django_db(transaction=True)
def test_a_refused_job_fails_with_a_reason_that_repeats_nothing_of_it(
    redis_server: ValkeyServer, tmp_path: Path
) -> None:
    """Case B6."""
    forge({"another function": as_json(f"os.{SECRET}", None, [SECRET], {})})

    run_worker(WORKERS["simple"], tmp_path)

    queue = hints.get_rq_queue(OPPORTUNITIES)
    assert "forged-0" in FailedJobRegistry(queue=queue).get_job_ids(cleanup=False)
    [failed] = HintJob.fetch_many(["forged-0"], connection=queue.connection)
    assert failed is not None
    result: Any = Result.fetch_latest(failed)
    assert "JobRefused" in result.exc_string
    assert SECRET not in result.exc_string
    queue.connection.sadd(f"rq:workers:{OPPORTUNITIES}", "rq:worker:one")
    queue.connection.hset("rq:worker:one", mapping={"birth": "2026-01-01T00:00:00Z", "queues": OPPORTUNITIES})
    [finding] = [each for each in health.check_backlog() if each.name == OPPORTUNITIES]
    assert finding.code is Code.JOB_REFUSED
    assert SECRET not in finding.text + finding.hint


def packed(text: bytes) -> str:
    return base64.b64encode(zlib.compress(text)).decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "result",
    [
        {"exc_string": packed(b"x" * 20_000_000)},
        {"exc_string": packed(b"a\n" + SECRET.encode() * 1_000)},
        {"exc_string": packed(b"\xff\n\xff")},
        {"exc_string": "%%%"},
        {"exc_string": packed(b"a")[:6]},
        {"exc_string": "", "return_value": "%%%", "worker_name": b"\xff"},
        {"nothing": ""},
    ],
    ids=["a bomb", "a long class", "no text", "no base64", "cut", "no failure", "nothing"],
)
def test_no_result_of_a_job_fills_the_memory_or_hides_the_others(
    result: dict[str, Any], redis_server: ValkeyServer
) -> None:
    """Case B6. Health reads what RQ keeps of failed jobs."""
    queue, recent = hints.get_rq_queue(OPPORTUNITIES), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}".encode()
    redis: Any = queue.connection
    redis.sadd(f"rq:workers:{OPPORTUNITIES}", "rq:worker:one")
    redis.hset("rq:worker:one", mapping={"birth": "2026-01-01T00:00:00Z", "queues": OPPORTUNITIES})
    refused = {"exc_string": packed(b"passport_events.exceptions.JobRefused: no")}
    registry = FailedJobRegistry(queue=queue)
    redis.zadd(registry.key, {b"\xff\xfe": time.time() + 3})
    for age, (job, found) in enumerate({"forged": result, "refused": refused}.items()):
        fields = as_json("os.system", None, ["true"], {})
        redis.hset(f"rq:job:{job}", mapping={**fields, "created_at": recent, "ended_at": recent})
        redis.xadd(f"rq:results:{job}", {"type": 2, **found})
        redis.zadd(registry.key, {job: time.time() + 2 - age})

    tracemalloc.start()
    findings = health.check_backlog()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    [finding] = [each for each in findings if each.name == OPPORTUNITIES]
    assert finding.code is Code.JOB_REFUSED
    assert SECRET not in finding.text + finding.hint
    assert peak < 5_000_000


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", ["kill-horse", "stop-job", "stop-execution", "shutdown"])
def test_no_command_in_redis_kills_a_message_in_hand(command: str, redis_server: ValkeyServer) -> None:
    """Case B6. A shutdown ends the worker after the message; three killed children would make it poison."""
    message = a_message(an_organization(), fields={"Name": "slow"})
    queue = hints.get_rq_queue(OPPORTUNITIES)
    hints.send([OPPORTUNITIES])
    worker = spawn(*rqworker(), "--name", command)
    try:
        wait_until(lambda: now(message).status == "processing" and bool(executions(queue)))
        [job, _, execution] = executions(queue)[0].partition(":")
        told = {"command": command, "job_id": job, "execution_id": execution}
        for data in (b"\xff", "{}", json.dumps(told), json.dumps(told), "[" * 100_000):
            queue.connection.publish(f"rq:pubsub:{command}", data)
            time.sleep(1.1 if command in str(data) else 0)  # RQ takes two within a second for one
        if command != "shutdown":
            wait_until(lambda: now(message).status == "succeeded")
            worker.send_signal(signal.SIGTERM)
        output, _ = worker.communicate(timeout=PATIENCE_SECONDS)
    finally:
        worker.kill()

    assert (now(message).status, now(message).attempts, now(message).crashes) == ("succeeded", 1, 0), output
    assert "Traceback" not in output


def executions(queue: Queue) -> list[str]:
    """Ids of jobs that run, each with that of its execution."""
    connection: Any = queue.connection
    return [entry.decode() for entry in connection.zrange(queue.started_job_registry.key, 0, -1)]


def test_only_a_hint_is_read_as_one() -> None:
    sender = keys.get_installation()
    for data in (json.dumps([hints.JOB, None, [OPPORTUNITIES, sender], {}]).encode(),):
        assert read_hint(data) == read_hint(zlib.compress(data)) == (OPPORTUNITIES, sender)
    assert read_hint(json.dumps([hints.JOB, None, [OPPORTUNITIES], {}]).encode()) == (OPPORTUNITIES, "")


# Not st.recursive, which reads its function's source and warns where this file changed meanwhile.
json_leaves = (
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([hints.JOB, OPPORTUNITIES, ""])
)
json_lists = st.lists(json_leaves, max_size=4) | st.dictionaries(st.text(), json_leaves, max_size=2)
json_values = json_leaves | st.lists(json_leaves | json_lists, max_size=4) | json_lists


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_whatever_else_is_read_as_none(data: bytes) -> None:
    """Case B6. And nothing raises."""
    assert read_hint(data) is None
    assert read_hint(zlib.compress(data)) is None


@given(
    st.dictionaries(
        st.sampled_from([b"data", b"status", b"origin", b"created_at", b"ended_at", b"meta", b"timeout"]),
        st.binary(),
    )
)
def test_no_hash_of_redis_keeps_a_job_from_being_read(fields: dict[bytes, bytes]) -> None:
    """Case B6. An error there would end the worker."""
    job = HintJob("forged", connection=hints.get_connection(OPPORTUNITIES))
    job.restore(fields)

    assert job.hint is None
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)
    assert (job.meta, job.retries_left, job.repeats_left, job.webhooks) == ({}, None, None, [])
