"""What the doctor says of Redis and RQ's workers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings as Settings_
from rq import Worker

from passport_events import conf
from passport_events.conf import Settings
from passport_events.dispatching import hints
from passport_events.handling.rq_worker import PassportWorker
from passport_events.operating.doctor import broker
from passport_events.operating.doctor.broker import BrokerFacts
from passport_events.operating.doctor.examination import examine
from passport_events.operating.doctor.finding import DoctorFinding
from passport_events.operating.redis_probe import Refusal
from passport_events.operating.rq_state import (
    JOB_REFUSED,
    NOT_FOUND,
    WORKER_DIED,
    QueueState,
    RegisteredWorker,
)
from project.embedded import ValkeyServer

QUEUE = "passport-opportunities"
STATE = QueueState(
    name=QUEUE,
    workers=1,
    busy=0,
    hints=0,
    is_suspended=False,
    failure="",
)
WORKER = RegisteredWorker("w", (QUEUE,), "idle", "", "here", None, None)
GOOD = BrokerFacts(STATE, (WORKER,), "7.2.4", "noeviction", installation="here")


def worker(**facts: Any) -> RegisteredWorker:
    return dataclasses.replace(WORKER, **facts)


def failing(failure: str) -> BrokerFacts:
    return dataclasses.replace(GOOD, state=dataclasses.replace(STATE, failure=failure))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (GOOD, ["R0"]),
        (dataclasses.replace(GOOD, eviction=""), ["R2"]),
        (dataclasses.replace(GOOD, eviction="allkeys-lru"), ["R2"]),
        (dataclasses.replace(GOOD, redis_version="5.0.14"), ["R3"]),
        (dataclasses.replace(GOOD, redis_version="unknown"), ["R0"]),
        (dataclasses.replace(GOOD, redis_version="10.1"), ["R0"]),
        (dataclasses.replace(GOOD, workers=()), ["R5"]),
        (dataclasses.replace(GOOD, state=dataclasses.replace(STATE, is_suspended=True)), ["R6"]),
        (failing("rq.exceptions.DeserializationError"), ["R7"]),
        (failing(NOT_FOUND), ["R7"]),
        (failing(WORKER_DIED), ["R10"]),
        (failing("rq.timeouts.JobTimeoutException"), ["R11"]),
        (failing("ValueError"), ["R11"]),
        (failing(JOB_REFUSED), ["R11"]),
        (dataclasses.replace(GOOD, refusals=(Refusal("hints", "NOPERM"),)), ["R12"]),
        (dataclasses.replace(GOOD, workers=(worker(installation=""),)), ["R13"]),
        (dataclasses.replace(GOOD, workers=(worker(installation="there"), WORKER)), ["R14"]),
        (dataclasses.replace(GOOD, workers=(worker(queues=(QUEUE, "other")),)), ["R8"]),
        (dataclasses.replace(GOOD, workers=(worker(rq_version="1.0"), WORKER)), ["R9"]),
    ],
)
def test_each_state_has_its_finding(facts: BrokerFacts, expected: list[str]) -> None:
    assert [finding.id for finding in broker.judge(facts, Settings())] == expected


@pytest.fixture
def greedy_worker(redis_server: ValkeyServer) -> Iterator[Worker]:
    """An RQ worker that is registered on two queues, and does nothing."""
    queues = [hints.get_rq_queue(QUEUE), hints.get_rq_queue("passport-items")]
    listening = PassportWorker(queues, connection=queues[0].connection)
    listening.register_birth()  # type: ignore[no-untyped-call]
    yield listening
    listening.register_death()  # type: ignore[no-untyped-call]


def test_a_real_worker_is_found_with_its_queues(greedy_worker: Worker) -> None:
    facts = broker.read_facts(QUEUE)

    assert isinstance(facts, BrokerFacts)
    assert [worker.queues for worker in facts.workers] == [(QUEUE, "passport-items")]
    assert [finding.id for finding in broker.judge(facts, Settings())] == ["R8"]


@pytest.mark.django_db
def test_a_worker_of_several_queues_is_said_once(greedy_worker: Worker) -> None:
    assert [finding.id for finding in examine(conf.get_settings(), [])].count("R8") == 1


def test_a_real_eviction_policy_is_read(redis_server: ValkeyServer) -> None:
    redis = hints.get_connection(QUEUE)
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        facts = broker.read_facts(QUEUE)
    finally:
        redis.config_set("maxmemory-policy", "noeviction")

    assert isinstance(facts, BrokerFacts)
    assert facts.eviction == "allkeys-lru"


def test_a_redis_that_is_away_is_an_error(redis_server: ValkeyServer) -> None:
    redis_server.kill()

    found = broker.read_facts(QUEUE)

    assert isinstance(found, DoctorFinding)
    assert (found.id, "RQ_QUEUES" in found.hint) == ("R1", True)


def test_another_worker_class_and_another_installation_are_named(
    redis_server: ValkeyServer, settings: Settings_
) -> None:
    """Case C3, case B5. Both take hints that are ours."""
    queue = hints.get_rq_queue(QUEUE)
    plain: Any
    theirs: Any
    plain, theirs = (kind([queue], connection=queue.connection) for kind in (Worker, PassportWorker))
    plain.register_birth()
    settings.SECRET_KEY = "of another installation"
    theirs.register_birth()
    settings.SECRET_KEY = "ours"

    facts = broker.read_facts(QUEUE)

    assert isinstance(facts, BrokerFacts)
    assert sorted(finding.id for finding in broker.judge(facts, Settings())) == ["R13", "R14"]
