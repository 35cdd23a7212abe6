"""Try the Redis commands that RQ and we need, on our own keys, which expire."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable
from typing import Any

from redis import ConnectionError as RedisConnectionError
from redis import TimeoutError as RedisTimeoutError
from rq import Queue, worker_registration

from passport_events.dispatching import hints
from passport_events.redis_store import keys

KEY_SECONDS = 10
CLUSTER = (
    *("CROSSSLOT", "MOVED", "ASK", "CLUSTERDOWN", "TRYAGAIN"),
    *("ClusterCrossSlotError", "MovedError", "AskError", "ClusterDownError", "TryAgainError"),
)
"""Codes of Redis Cluster, and the classes for which redis-py removes the code from the text."""
READ_ONLY = ("READONLY", "ReadOnlyError")
NO_PERMISSION = ("NOPERM", "NoPermissionError")
NEEDED_RULE = "~rq:* &rq:* +@read +@write +@pubsub +@scripting +@transaction +@connection +info"
"""What an ACL must allow if RQ_KEY_PREFIX is not set."""
_CODE = re.compile(r"[A-Z]{3,20}\b")


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """A required command that Redis refused."""

    what: str
    error: str
    """The code that begins Redis's answer, else the class of the error."""


def probe_redis(queue: Queue) -> list[Refusal]:
    """Run every command of hints, locks, rate limits and workers. Raises if Redis does not answer."""
    refused = []
    trial = _RedisProbe(queue)
    for what, step in trial.steps.items():
        try:
            step()
        except (RedisConnectionError, RedisTimeoutError):
            raise
        except Exception as error:  # noqa: BLE001  any error is a refusal
            code = _CODE.match(str(error))
            refused.append(Refusal(what, code[0] if code else type(error).__name__))
    return refused


class _RedisProbe:
    def __init__(self, queue: Queue) -> None:
        token = uuid.uuid4().hex
        self.queue, self.token = queue, token
        self.redis: Any = queue.connection
        # Each step has names of its own, so that what one leaves does not fail another.
        self.names = [keys.make_key("trial", token, number) for number in range(7)]
        self.job = f"{keys.get_rq_prefix()}:job:{token}"
        self.steps: dict[str, Callable[[], object]] = {
            "set and read flags (hints)": self._set_flags,
            "scripts over several keys (record locks)": self._run_script,
            "counters (rate limits)": self._count,
            "jobs and queues in one transaction (RQ)": self._enqueue,
            "taking jobs from a queue (RQ)": self._dequeue,
            "registering workers (RQ)": self._register,
            "results of failed jobs (RQ)": self._keep_result,
            "publish and subscribe (RQ's commands)": self._subscribe,
            "INFO (RQ's version check)": lambda: self.redis.info("server"),
        }

    def _set_flags(self) -> None:
        name = self.names[0]
        with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.set(name, 1, nx=True, ex=KEY_SECONDS).llen(self.queue.key).delete(name)
            pipeline.execute()

    def _run_script(self) -> None:
        script = "for _, k in ipairs(KEYS) do redis.call('SET', k, ARGV[1], 'NX', 'PX', 100) end"
        script += " for _, k in ipairs(KEYS) do redis.call('DEL', k) end"
        self.redis.eval(script, 2, *self.names[1:3], self.token)

    def _count(self) -> None:
        name = self.names[3]
        self.redis.incrby(name, 2)
        self.redis.expire(name, KEY_SECONDS)
        self.redis.decrby(name, 1)
        self.redis.mget(name, self.names[0])
        self.redis.delete(name)

    def _enqueue(self) -> None:
        with self.redis.pipeline() as pipeline:
            pipeline.hset(self.job, mapping={"data": ""}).expire(self.job, KEY_SECONDS)
            pipeline.sadd(Queue.redis_queues_keys, self.queue.key).lrem(self.queue.key, 1, self.token)
            pipeline.delete(self.job)
            pipeline.execute()

    def _dequeue(self) -> None:
        source, target = self.names[4:6]
        self.redis.rpush(source, self.token)
        self.redis.expire(source, KEY_SECONDS)
        self.redis.lmove(source, target, "LEFT", "RIGHT")
        self.redis.delete(target)
        self.redis.hgetall(self.job)

    def _register(self) -> None:
        mine = worker_registration.WORKERS_BY_QUEUE_KEY % self.queue.name
        with self.redis.pipeline() as pipeline:
            for name in (worker_registration.REDIS_WORKER_KEYS, mine):
                pipeline.srem(name, self.token)
            pipeline.zrem(self.queue.started_job_registry.key, self.token)
            pipeline.zrem(self.queue.failed_job_registry.key, self.token)
            pipeline.execute()

    def _keep_result(self) -> None:
        name = self.names[6]
        self.redis.xadd(name, {"type": "2"}, maxlen=1)
        self.redis.delete(name)

    def _subscribe(self) -> None:
        channel = f"{keys.get_rq_prefix()}:pubsub:{self.token}"
        with self.redis.pubsub() as listening:
            listening.subscribe(channel)
            listening.get_message(timeout=1)
        self.redis.publish(channel, "")


def suggest_fix(refusals: list[Refusal]) -> str:
    """What to do, by Redis's answers."""
    said = {refusal.error for refusal in refusals}
    if said & set(CLUSTER):
        return (
            "It is a Redis Cluster (ElastiCache Serverless always is one). Use a Redis without cluster mode. "
            "Or, with rq 3 and the address of the right shard, set the environment variable "
            "RQ_KEY_PREFIX='{rq}' for every process: all keys are then in one slot."
        )
    if said & set(READ_ONLY):
        return "It is a replica. Let RQ_QUEUES name the primary."
    if said & set(NO_PERMISSION):
        rule = NEEDED_RULE.replace("rq:", f"{keys.get_rq_prefix()}:")
        return f"Its ACL does not allow it. Allow the user: {rule}"
    return "Use Redis 6.2, Valkey, or newer, with memory left and no command renamed."


def probe_queue(queue_name: str) -> list[Refusal]:
    """`probe_redis` for the Redis of a queue."""
    return probe_redis(hints.get_rq_queue(queue_name))
