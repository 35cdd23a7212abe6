"""Each finding of `passport health`: a fault in a stack that is well brings it alone, and the way out ends it.

A case breaks one thing, yields, and mends it, where it can by the very command that the finding names.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from rq.suspension import resume, suspend

from passport_events import conf, handles
from passport_events.clock import ClockTimestamp
from passport_events.dispatching import dispatcher, hints
from passport_events.exceptions import Reject
from passport_events.handling import jobs, registry
from passport_events.handling.rq_worker import PassportSimpleWorker, PassportWorker
from passport_events.models import Heartbeat, ProcessedMessage, SalesforceOrganization
from passport_events.operating.finding import WARNINGS, Code, Finding
from passport_events.operating.health import check_health
from passport_events.processes.heartbeat import ProcessHeartbeat, ProcessStatus
from passport_events.testing import record_id, relay_message
from project.embedded import ValkeyServer
from tests.harness.aws import Sqs
from tests.operating.inbox import HOME, opportunity, organization, store
from tests.operating.stack import OPPORTUNITIES, Stack, age, broken, follow, overdue
from tests.operating.test_passport_command import passport

pytestmark = pytest.mark.django_db(transaction=True)

TWO_MINUTES = timedelta(minutes=2)
Case = Iterator[None]
CASES: dict[Code, Callable[..., Case]] = {}
IMPLIED = {Code.POISON: {Code.DEAD_LETTERS}, Code.NOT_DISPATCHED: {Code.NO_POLLER}}
"""What cannot be without another finding."""
OF_REDIS_AND_SQS = {
    Code.REDIS_AWAY,
    Code.REDIS_REFUSES,
    Code.NO_WORKER,
    Code.WORKERS_SUSPENDED,
    Code.JOB_UNREADABLE,
    Code.JOB_WITHOUT_CODE,
    Code.JOB_TOO_LONG,
    Code.JOB_FAILED,
    Code.JOB_REFUSED,
    Code.WORKER_DIED,
    Code.WORKERS_BUSY,
    Code.DEAD_LETTER_QUEUE,
    Code.DEAD_LETTER_QUEUE_NOT_ASKED,
}
"""What tells them from their neighbours is no row of the database."""


@dataclasses.dataclass(frozen=True)
class Given:
    """What a case works with."""

    stack: Stack
    settings: Settings
    patch: pytest.MonkeyPatch


def case(code: Code) -> Callable[[Callable[[Given], Case]], Callable[[Given], Case]]:
    def note(function: Callable[[Given], Case]) -> Callable[[Given], Case]:
        CASES[code] = function
        return function

    return note


@pytest.fixture
def given(redis_server: ValkeyServer, sqs: Sqs, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Given:
    monkeypatch.setattr(registry, "_handlers", {})
    organization()
    return Given(Stack(redis_server, sqs), settings, monkeypatch)


def wrong() -> dict[Code, Finding]:
    """What health says, without what is well."""
    return {finding.code: finding for finding in check_health() if finding.code is not Code.WELL}


def test_every_finding_has_a_case() -> None:
    assert set(CASES) == set(Code) - {Code.WELL}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(code, marks=pytest.mark.any_database if code in OF_REDIS_AND_SQS else ())
        for code in Code
        if code is not Code.WELL
    ],
)
def test_a_fault_has_its_finding_and_no_other_until_it_is_mended(code: Code, given: Given) -> None:
    """Cases C9 and C10 among them."""
    assert wrong() == {}
    with broken(CASES[code](given)):
        assert set(wrong()) == {code, *IMPLIED.get(code, ())}
        assert all(finding.text.endswith(".") and finding.hint for finding in wrong().values())
        exit_code, said = passport("health", "--json")
        expected = 0 if code in WARNINGS else 2 if code is Code.NOT_ASKED else 1
        assert (exit_code, json.loads(said)["ok"]) == (expected, code in WARNINGS)
    assert wrong() == {}


def way_out(code: Code) -> str:
    return wrong()[code].hint


@case(Code.NOT_ASKED)
def _(given: Given) -> Case:
    # As where the app was deployed before its migrations ran.
    table = "passport_events_operatoraction"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
        try:
            assert "asked about due messages, pauses and rate limits: " in wrong()[Code.NOT_ASKED].text
            yield
        finally:
            cursor.execute(f"ALTER TABLE gone RENAME TO {table}")


@case(Code.NO_POLLER)
def _(given: Given) -> Case:
    given.stack.poller.stop()
    yield
    given.stack.beat()


@case(Code.POLLER_SILENT)
def _(given: Given) -> Case:
    age(timedelta(seconds=40))
    yield
    given.stack.beat()


@case(Code.POLLER_WITHOUT_ANSWER)
def _(given: Given) -> Case:
    age(timedelta(seconds=90))
    Heartbeat.objects.update(beaten_at=ClockTimestamp())
    yield
    given.stack.beat()


@case(Code.REDIS_AWAY)
def _(given: Given) -> Case:
    given.stack.valkey.kill()
    yield
    given.stack.valkey.start()
    given.stack.register_workers()


@case(Code.REDIS_REFUSES)
def _(given: Given) -> Case:
    """Case C8."""
    redis: Any = hints.get_connection(OPPORTUNITIES)
    redis.execute_command("ACL", "SETUSER", "default", "-eval")
    assert "ACL" in way_out(Code.REDIS_REFUSES)
    yield
    redis.execute_command("ACL", "SETUSER", "default", "+eval")


@case(Code.UNKNOWN_TYPE)
def _(given: Given) -> Case:
    opportunity()
    before = given.settings.PASSPORT_EVENTS
    types = {"item": {"entities": ["OpportunityLineItem"], "queue": "passport-items"}}
    given.settings.PASSPORT_EVENTS = {**before, "EVENT_TYPES": types}
    if "opportunity" in conf.get_settings().live_types():  # EVENT_TYPES may add to the default ones
        ProcessedMessage.objects.update(event_type="former")
    yield
    given.settings.PASSPORT_EVENTS = before
    ProcessedMessage.objects.update(event_type="opportunity")


@case(Code.ORGANIZATION_SILENT)
def _(given: Given) -> Case:
    SalesforceOrganization.objects.update(heartbeat_received_at=ClockTimestamp() - timedelta(hours=1))
    yield
    SalesforceOrganization.objects.update(heartbeat_received_at=ClockTimestamp())


@case(Code.NO_WORKER)
def _(given: Given) -> Case:
    given.stack.stop_worker(OPPORTUNITIES)
    assert "rqworker passport-opportunities" in way_out(Code.NO_WORKER)
    yield
    given.stack.register_worker(OPPORTUNITIES)


@case(Code.WORKERS_SUSPENDED)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    suspend(hints.get_connection(OPPORTUNITIES))
    assert "rq resume" in way_out(Code.WORKERS_SUSPENDED)
    yield
    resume(hints.get_connection(OPPORTUNITIES))
    given.stack.work_off()


@case(Code.JOB_UNREADABLE)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    dispatcher.dispatch()
    given.stack.run_worker_of_another_serializer()
    yield
    given.stack.restart_worker(OPPORTUNITIES)
    given.stack.work_off()


@case(Code.JOB_WITHOUT_CODE)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    dispatcher.dispatch()
    with given.patch.context() as another_release:
        another_release.delattr(jobs, "work_on_queue")
        given.stack.run_worker()
    yield
    given.stack.restart_worker(OPPORTUNITIES)
    given.stack.work_off()


@case(Code.JOB_TOO_LONG)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    queue = hints.get_rq_queue(OPPORTUNITIES)
    queue.enqueue_call(hints.JOB, args=(OPPORTUNITIES,), timeout=1)
    with given.patch.context() as slow:
        slow.setattr(jobs, "work", lambda name: time.sleep(10))
        given.stack.run_worker()
    yield
    given.stack.restart_worker(OPPORTUNITIES)
    given.stack.work_off()


@case(Code.JOB_FAILED)
def _(given: Given) -> Case:
    def fail(name: str) -> None:
        raise RuntimeError("a value")

    overdue(TWO_MINUTES)
    dispatcher.dispatch()
    with given.patch.context() as faulty:
        faulty.setattr(jobs, "work", fail)
        given.stack.run_worker()
    assert "a value" not in wrong()[Code.JOB_FAILED].text
    yield
    given.stack.restart_worker(OPPORTUNITIES)
    given.stack.work_off()


@case(Code.JOB_REFUSED)
def _(given: Given) -> Case:
    """Case B6."""
    overdue(TWO_MINUTES)
    hints.get_rq_queue(OPPORTUNITIES).enqueue_call("os.system", args=("true",))
    given.stack.run_worker(kind=PassportSimpleWorker)
    assert "write to Redis" in way_out(Code.JOB_REFUSED)
    yield
    given.stack.restart_worker(OPPORTUNITIES)
    given.stack.work_off()


@case(Code.WORKER_DIED)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    dispatcher.dispatch()
    with given.patch.context() as deadly:
        deadly.setattr(jobs, "work", lambda name: os.kill(os.getpid(), signal.SIGKILL))
        given.stack.run_worker(kind=PassportWorker)
    assert "--worker-class" not in way_out(Code.WORKER_DIED)
    yield
    given.stack.restart_worker(OPPORTUNITIES)
    given.stack.work_off()


@case(Code.HINTS_NOT_TAKEN)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    dispatcher.dispatch()
    yield
    given.stack.restart_worker(OPPORTUNITIES)
    given.stack.work_off()


@case(Code.WORKERS_BUSY)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    given.stack.workers[OPPORTUNITIES].set_state("busy")
    yield
    given.stack.workers[OPPORTUNITIES].set_state("idle")
    given.stack.work_off()


@case(Code.HINTS_ELSEWHERE)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    yield
    given.stack.work_off()


@case(Code.NOT_DISPATCHED)
def _(given: Given) -> Case:
    overdue(TWO_MINUTES)
    given.stack.poller.stop()
    yield
    given.stack.beat()
    given.stack.work_off()


@case(Code.DEAD_LETTERS)
def _(given: Given) -> Case:
    with given.patch.context() as faulty:
        faulty.setattr(registry, "_handlers", {})

        @handles("opportunity")
        def refuse(event: Any, record: Any) -> None:
            raise Reject("no")

        opportunity()
        given.stack.work_off()
    assert wrong()[Code.DEAD_LETTERS].text.startswith("1 dead letters ")
    yield
    follow(way_out(Code.DEAD_LETTERS))
    given.stack.work_off()


@case(Code.QUARANTINED)
def _(given: Given) -> Case:
    message = store(b"?")
    yield
    follow(way_out(Code.QUARANTINED), ID=str(message.pk))


@case(Code.POISON)
def _(given: Given) -> Case:
    with given.patch.context() as deadly:
        deadly.setattr(registry, "_handlers", {})

        @handles("opportunity")
        def die(event: Any, record: Any) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        message = opportunity()
        while message.is_terminal is False:
            given.stack.valkey.flush()
            given.stack.register_workers()
            dispatcher.dispatch()
            given.stack.run_worker(kind=PassportWorker)
            ProcessedMessage.objects.filter(due_at__isnull=False).update(due_at=ClockTimestamp())
            message.refresh_from_db()
    text = wrong()[Code.POISON].text
    assert text.startswith(f"Message {message.pk} took its worker down 3 times")
    assert message.fingerprint in text
    yield
    follow(way_out(Code.POISON))
    given.stack.work_off()


@case(Code.DEAD_LETTER_QUEUE)
def _(given: Given) -> Case:
    event = relay_message("Opportunity", record_id("Opportunity", 7), fields={}, organization=HOME)
    given.stack.sqs.dead_letter_queue.send_message(MessageBody=json.dumps(event))
    assert wrong()[Code.DEAD_LETTER_QUEUE].text.startswith("1 messages are in this dead letter queue")
    yield
    follow(way_out(Code.DEAD_LETTER_QUEUE).replace("ingest-dlq", "ingest-dlq --once"))


@case(Code.DEAD_LETTER_QUEUE_NOT_ASKED)
def _(given: Given) -> Case:
    before = given.settings.PASSPORT_EVENTS
    elsewhere = [f"{url}-gone" for url in before["DEAD_LETTER_QUEUE_URLS"]]
    given.settings.PASSPORT_EVENTS = {**before, "DEAD_LETTER_QUEUE_URLS": elsewhere}
    yield
    given.settings.PASSPORT_EVENTS = before


@case(Code.PAUSED)
def _(given: Given) -> Case:
    passport("pause", "--event-type", "opportunity", "--organization", HOME, "--reason", "they move")
    assert "of School 1 is paused since " in wrong()[Code.PAUSED].text
    assert wrong()[Code.PAUSED].text.endswith(": they move.")
    yield
    follow(way_out(Code.PAUSED))


@case(Code.THROTTLED)
def _(given: Given) -> Case:
    passport("rate-limit", "--per-minute", "7")
    assert (
        "every event type of every organization is limited to 7 messages a minute"
        in wrong()[Code.THROTTLED].text
    )
    yield
    follow(way_out(Code.THROTTLED))


def test_a_heartbeat_from_the_future_is_no_sign_of_life(given: Given) -> None:
    """Case C2. Left by a database whose clock was ahead, before a failover."""
    age(-timedelta(hours=1))
    assert set(wrong()) == {Code.NO_POLLER}
    given.stack.beat()
    assert wrong() == {}


def test_the_heartbeat_of_an_ingester_stands_for_no_poller(given: Given) -> None:
    """Case C2."""
    given.stack.poller.stop()
    ProcessHeartbeat(ProcessStatus(), None, "ingester").beat()
    assert set(wrong()) == {Code.NO_POLLER}


def test_a_poller_whose_machine_has_another_time_is_well(given: Given) -> None:
    """Its receives are an hour ago by the database's clock if they are told by the poller's."""
    given.stack.status.note_receive(committed=True)
    assert given.stack.status.received_at is not None
    with given.patch.context() as behind:
        behind.setattr("passport_events.processes.heartbeat.datetime", _AnHourAgo)
        given.stack.status.note_receive(committed=True)
        given.stack.poller.beat()
    assert wrong() == {}


def test_a_redis_that_answers_what_rq_cannot_read_is_a_finding(given: Given) -> None:
    queue = hints.get_rq_queue(OPPORTUNITIES)
    queue.connection.set(queue.failed_job_registry.key, "no list of jobs")
    assert set(wrong()) == {Code.REDIS_AWAY}
    assert "ResponseError" in wrong()[Code.REDIS_AWAY].text
    queue.connection.delete(queue.failed_job_registry.key)


def test_registrations_of_workers_that_make_no_sense_hide_nothing(given: Given) -> None:
    worker = given.stack.workers[OPPORTUNITIES]
    worker.connection.hset(worker.key, mapping={"birth": "garbage", "pid": b"\xff", "queues": b"\xff"})
    assert wrong() == {}


def test_a_failure_under_workers_that_are_gone_explains_nothing(given: Given) -> None:
    overdue(TWO_MINUTES)
    dispatcher.dispatch()
    given.stack.run_worker_of_another_serializer()
    given.stack.restart_worker(OPPORTUNITIES)
    given.stack.poller.stop()
    assert set(wrong()) == {Code.NO_POLLER, Code.NOT_DISPATCHED}


def test_two_faults_are_two_findings(given: Given) -> None:
    overdue(TWO_MINUTES)
    given.stack.poller.stop()
    given.stack.stop_worker(OPPORTUNITIES)
    store(b"?")
    assert set(wrong()) == {Code.NO_POLLER, Code.NO_WORKER, Code.QUARANTINED}


class _AnHourAgo:
    """The clock of a machine that nobody set."""

    @staticmethod
    def now(zone: Any) -> Any:
        return timezone.now().astimezone(zone) - timedelta(hours=1)
