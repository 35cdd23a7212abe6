"""Redis and RQ's workers, queue by queue."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from redis import RedisError
from redis.exceptions import ResponseError
from rq.version import VERSION

from passport_events.conf import Settings
from passport_events.dispatching import hints
from passport_events.operating import redis_probe, rq_state
from passport_events.operating.backlog import WORKER_CLASS, BacklogCause, explain_job_failure
from passport_events.operating.doctor.finding import (
    DoctorFinding,
    report_denied,
    report_error,
    report_ok,
    report_warning,
)
from passport_events.operating.finding import Code
from passport_events.operating.redis_probe import Refusal
from passport_events.operating.rq_state import QueueState, RegisteredWorker
from passport_events.redis_store import keys

MIN_REDIS_VERSION = 6
SAFE_POLICY = "noeviction"


@dataclasses.dataclass(frozen=True, slots=True)
class BrokerFacts:
    """One RQ queue, who listens to it, and the Redis it is in."""

    state: QueueState
    workers: tuple[RegisteredWorker, ...]
    redis_version: str
    eviction: str
    """Redis's `maxmemory-policy`; empty where Redis does not tell."""
    refusals: tuple[Refusal, ...] = ()
    """What was tried and not done."""
    installation: str = ""
    """Of this process."""


def read_facts(queue_name: str) -> BrokerFacts | DoctorFinding:
    """Ask Redis; a finding where it does not answer."""
    try:
        queue = hints.get_rq_queue(queue_name)
        refusals = tuple(redis_probe.probe_redis(queue))
        server = _read_info(queue_name, "server")
        return BrokerFacts(
            rq_state.read_queue_state(queue_name),
            tuple(rq_state.list_workers(queue)),
            str(server.get("redis_version", "")),
            _read_eviction_policy(queue_name),
            refusals,
            keys.get_installation(),
        )
    except RedisError as refusal:
        return report_error(
            "R1",
            f"Redis cannot be asked about {queue_name}: {type(refusal).__name__}.",
            f"See RQ_QUEUES[{queue_name!r}]. Nothing is lost meanwhile: messages wait in the database.",
        )


def _read_info(queue_name: str, section: str) -> dict[str, Any]:
    try:
        return dict(hints.get_connection(queue_name).info(section))
    except ResponseError:  # an ACL may forbid it
        return {}


def _read_eviction_policy(queue_name: str) -> str:
    try:
        return str(
            hints.get_connection(queue_name).config_get("maxmemory-policy").get("maxmemory-policy", "")
        )
    except ResponseError:  # ElastiCache has no CONFIG
        return str(_read_info(queue_name, "memory").get("maxmemory_policy", ""))


def judge(facts: BrokerFacts, settings: Settings) -> Iterator[DoctorFinding]:
    """Everything that is wrong with a queue's broker and workers, or that nothing is."""
    found = [*_judge_redis(facts), *_judge_workers(facts)]
    yield from found
    if not found:
        yield report_ok(
            "R0",
            f"{len(facts.workers)} workers listen to {facts.state.name}; its Redis keeps hints, and did all "
            "that was tried.",
        )


def _judge_redis(facts: BrokerFacts) -> Iterator[DoctorFinding]:
    name = facts.state.name
    if facts.refusals:
        what = "; ".join(f"{refusal.what} ({refusal.error})" for refusal in facts.refusals)
        hint = redis_probe.suggest_fix(list(facts.refusals))
        yield report_error("R12", f"The Redis of {name} refuses what is needed: {what}.", hint)
    if not facts.eviction:
        yield report_denied(
            "R2", f"The Redis of {name} does not tell its eviction policy.", "See that it is noeviction."
        )
    elif facts.eviction != SAFE_POLICY:
        yield report_warning(
            "R2",
            f"The Redis of {name} may evict keys ({facts.eviction}): a hint that vanishes costs seconds.",
            f"Set maxmemory-policy to {SAFE_POLICY}, or give RQ a Redis of its own.",
        )
    major = facts.redis_version.partition(".")[0]
    if major.isdigit() and int(major) < MIN_REDIS_VERSION:
        yield report_error(
            "R3", f"The Redis of {name} is version {facts.redis_version}.", "Use Redis 6, Valkey, or newer."
        )


def _judge_workers(facts: BrokerFacts) -> Iterator[DoctorFinding]:
    name = facts.state.name
    if not facts.workers:
        yield report_error("R5", f"No RQ worker listens to {name}.", f"Start one: manage.py rqworker {name}.")
    if facts.state.is_suspended:
        yield report_error("R6", "RQ's workers are suspended.", "Let them go on: rq resume.")
    if cause := explain_job_failure(facts.state):
        yield _report_failure(name, cause)
    for worker in facts.workers:
        if not worker.installation:
            yield report_error(
                "R13",
                f"Worker {worker.name} of {name} is no worker of ours: it executes whatever is in Redis, and "
                "may not read hints.",
                f"Start it with --worker-class {WORKER_CLASS}, or give it other queues.",
            )
        elif worker.installation != facts.installation:
            yield report_error(
                "R14",
                f"Worker {worker.name} of {name} has another database: it takes hints that are ours.",
                "If it is another installation's, give each an RQ_KEY_PREFIX (rq 3), a database number or "
                "a Redis of its own. Else let both processes spell DATABASES and SECRET_KEY alike.",
            )
        if len(worker.queues) > 1:
            yield report_warning(
                "R8",
                f"Worker {worker.name} listens to {len(worker.queues)} queues: in a burst the last starves.",
                "Start one worker for each queue: manage.py rqworker QUEUE.",
            )
        if worker.rq_version and worker.rq_version != VERSION:
            yield report_warning(
                "R9",
                f"Worker {worker.name} runs rq {worker.rq_version}, and this process {VERSION}.",
                "Deploy the same requirements everywhere, and restart the worker.",
            )


def _report_failure(name: str, cause: BacklogCause) -> DoctorFinding:
    """A job that never began has another way out than one whose process was killed."""
    text = f"In the last minutes, in {name}: {cause.text}."
    if cause.code in (Code.JOB_UNREADABLE, Code.JOB_WITHOUT_CODE):
        return report_error("R7", text, cause.hint)
    return report_error("R10" if cause.code is Code.WORKER_DIED else "R11", text, cause.hint)
