"""Each finding of the doctor: a fault in a stack that is well brings it alone, and the way out ends it.

A case breaks one thing, yields, and mends it, where it can by the very words of the finding.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, get_args

import boto3
import psycopg
import pytest
from _pytest.mark import ParameterSet
from django.conf import settings as project
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django.fixtures import Settings
from rq import Worker
from rq.suspension import resume, suspend

from passport_events import conf, fingerprint
from passport_events.clock import ClockTimestamp
from passport_events.dispatching import hints
from passport_events.handling import jobs, registry
from passport_events.handling.rq_worker import PassportWorker
from passport_events.models import Delivery, ProcessedMessage, Status
from passport_events.operating.doctor import broker, canary, database, queue
from passport_events.operating.doctor.examination import examine
from passport_events.operating.doctor.finding import DoctorFinding, Id, Severity
from project.embedded import ValkeyServer
from tests.harness import environment, iam
from tests.harness.aws import BUCKET, Sqs
from tests.operating.inbox import opportunity, organization, rows
from tests.operating.stack import OPPORTUNITIES, Stack, broken, follow
from tests.operating.test_passport_command import passport

NOW = timedelta(0)
YEAR = timedelta(days=365)
EVERY: tuple[Id, ...] = get_args(Id)
NOTHING_WRONG = {"Q0", "T0", "R0", "D0", "M0", "C0"}
OF_THE_TESTS = {"postgresql": {"D6"}, "sqlite": {"D2"}}
"""The tests' PostgreSQL does without fsync."""
IMPLIED: Mapping[str, set[str]] = {"Q1": {"T7"}, "Q2": {"T2"}, "D5": {"C9"}, "C9": {"D5"}}
"""What cannot be without another finding."""
ON_POSTGRESQL = {"D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "C9"}
BY_ITSELF = {"Q13", "R10", "D5", "D10", "D12"}
"""What cannot be in a transaction of the test: it breaks it, or works in threads."""
WITHOUT_DATABASE = "QTR"
"""The first letters of what the doctor asks SQS, SNS and Redis."""
Case = Iterator[None]
CASES: dict[str, Callable[[Given], Case]] = {}


@dataclasses.dataclass
class Given:
    """What a case works with."""

    stack: Stack
    settings: Settings
    patch: pytest.MonkeyPatch
    through: str = ""
    """The topic of the canaries; without one they go to the queue."""

    @property
    def sqs(self) -> Sqs:
        """Its queues and topic."""
        return self.stack.sqs

    def set(self, **keys: Any) -> None:
        """Change settings of ours."""
        self.settings.PASSPORT_EVENTS = {**self.settings.PASSPORT_EVENTS, **keys}

    def examine(self) -> list[DoctorFinding]:
        """Everything that the doctor says without canaries."""
        return list(examine(conf.get_settings(), [self.sqs.topic.arn]))


def case(number: Id) -> Callable[[Callable[[Given], Case]], None]:
    def note(function: Callable[[Given], Case]) -> None:
        assert number not in CASES
        CASES[number] = function

    return note


@pytest.fixture
def given(redis_server: ValkeyServer, sqs: Sqs, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Given:
    monkeypatch.setattr(registry, "_handlers", {})
    organization()
    set_up(sqs)
    return Given(Stack(redis_server, sqs), settings, monkeypatch)


def set_up(sqs: Sqs) -> None:
    """As receiving needs it."""
    sqs.dead_letter_queue.set_attributes(Attributes={"MessageRetentionPeriod": "1209600"})
    sqs.queue.set_attributes(
        Attributes={"VisibilityTimeout": "60", "RedrivePolicy": redrive(sqs, receives=10)}
    )
    sqs.subscription.set_attributes(AttributeName="RedrivePolicy", AttributeValue=redrive(sqs))


def redrive(sqs: Sqs, **receives: int) -> str:
    target: dict[str, Any] = {"deadLetterTargetArn": dead_letter_arn(sqs)}
    if receives:
        target["maxReceiveCount"] = receives["receives"]
    return json.dumps(target)


def dead_letter_arn(sqs: Sqs) -> str:
    return f"arn:aws:sqs:{environment.REGION}:123456789012:{environment.QUEUE_NAME}-dead-letters"


def wrong(given: Given) -> dict[str, DoctorFinding]:
    """What the doctor says without canaries, but for what is well and what the tests' database lacks."""
    usual = OF_THE_TESTS[connection.vendor]
    said = [each for each in given.examine() if each.id not in NOTHING_WRONG | usual]
    return {each.id: each for each in said}


def test_every_finding_has_a_case() -> None:
    assert set(CASES) | NOTHING_WRONG == set(EVERY)


@pytest.mark.django_db
def test_nothing_is_wrong_with_a_stack_that_is_well(given: Given) -> None:
    """And whatever is said to be good was tried."""
    said = {each.id: each for each in given.examine()}
    lack = OF_THE_TESTS[connection.vendor]
    assert set(said) == {"Q0", "T0", "R0", "M0"} | lack
    assert {said[each].severity for each in set(said) - lack} == {Severity.GOOD}


def find_and_mend(number: Id, given: Given) -> None:
    expected = {number, *IMPLIED.get(number, ())}
    with broken(CASES[number](given)):
        found = wrong(given)
        assert {each for each in found if each[0] != "C"} == {each for each in expected if each[0] != "C"}
        assert all(finding.text.endswith(".") and finding.hint for finding in found.values())
    assert wrong(given) == {}


def numbers(found: Iterable[Id]) -> list[ParameterSet]:
    """As parameters."""
    return [
        pytest.param(each, marks=pytest.mark.any_database if each[0] in WITHOUT_DATABASE else ())
        for each in found
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "number", numbers(each for each in EVERY if each[0] != "C" and each not in NOTHING_WRONG | BY_ITSELF)
)
def test_a_fault_has_its_finding_and_no_other_until_it_is_mended(number: Id, given: Given) -> None:
    if connection.vendor == "sqlite" and number in ON_POSTGRESQL:
        pytest.skip("needs PostgreSQL")
    if number == "D2":
        assert ("D2" in {each.id for each in given.examine()}) == (connection.vendor == "sqlite")
        return
    find_and_mend(number, given)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", numbers(each for each in EVERY if each in BY_ITSELF))
def test_a_fault_that_ends_transactions_has_its_finding_too(number: Id, given: Given) -> None:
    if connection.vendor == "sqlite" and number in ON_POSTGRESQL:
        pytest.skip("needs PostgreSQL")
    find_and_mend(number, given)


@case("Q1")
def _(given: Given) -> Case:
    with iam.denied("sqs:GetQueueAttributes"):
        assert "sqs:GetQueueAttributes" in wrong(given)["Q1"].hint
        yield


@case("Q2")
def _(given: Given) -> Case:
    sqs = boto3.resource("sqs", endpoint_url=environment.aws_endpoint_url(), region_name=environment.REGION)
    names = (f"{environment.QUEUE_NAME}-dead-letters.fifo", f"{environment.QUEUE_NAME}.fifo")
    attributes: Any = {"FifoQueue": "true", "MessageRetentionPeriod": "1209600"}
    dead = sqs.create_queue(QueueName=names[0], Attributes=attributes)
    policy = {"deadLetterTargetArn": dead.attributes["QueueArn"], "maxReceiveCount": 10}
    attributes |= {"MessageRetentionPeriod": "345600", "RedrivePolicy": json.dumps(policy)}
    sqs.create_queue(QueueName=names[1], Attributes={**attributes, "VisibilityTimeout": "60"})
    before = conf.get_settings().queue_url
    given.set(QUEUE_URL=f"{before}.fifo")
    yield
    given.set(QUEUE_URL=before)


def _attribute(number: Id, name: str, value: str) -> None:
    """An attribute of the queue that is wrong, and the value that the finding asks for."""

    @case(number)
    def _(given: Given) -> Case:
        given.sqs.queue.set_attributes(Attributes={name: value})  # type: ignore[dict-item]
        asked = re.search(rf"Set {name} to (\d+)", wrong(given)[number].hint)
        assert asked is not None
        yield
        given.sqs.queue.set_attributes(Attributes={name: asked[1]})  # type: ignore[dict-item]


_attribute("Q3", "VisibilityTimeout", "10")
_attribute("Q4", "MessageRetentionPeriod", "345599")
_attribute("Q5", "DelaySeconds", "1")


@case("Q6")
def _(given: Given) -> Case:
    given.set(MAX_BODY_BYTES=200_000)
    yield
    given.set(MAX_BODY_BYTES=1_048_576)


@case("Q7")
def _(given: Given) -> Case:
    given.patch.setattr(queue, "MAX_IN_FLIGHT", 0)
    given.sqs.queue.send_message(MessageBody="x")
    [message] = given.sqs.queue.receive_messages()
    yield
    message.delete()


@case("Q8")
def _(given: Given) -> Case:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    _allow(given, statement)
    yield
    condition = {"ArnEquals": {"aws:SourceArn": given.sqs.topic.arn}}
    _allow(given, statement | {"Principal": {"Service": "sns.amazonaws.com"}, "Condition": condition})


def _allow(given: Given, statement: dict[str, Any]) -> None:
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    given.sqs.queue.set_attributes(Attributes={"Policy": json.dumps(policy)})


@case("Q9")
def _(given: Given) -> Case:
    given.sqs.queue.set_attributes(Attributes={"RedrivePolicy": ""})
    yield
    set_up(given.sqs)


@case("Q10")
def _(given: Given) -> Case:
    given.sqs.queue.set_attributes(Attributes={"RedrivePolicy": redrive(given.sqs, receives=9)})
    yield
    set_up(given.sqs)


@case("Q11")
def _(given: Given) -> Case:
    with iam.denied("sqs:GetQueueUrl"):
        yield


@case("Q12")
def _(given: Given) -> Case:
    given.sqs.dead_letter_queue.set_attributes(Attributes={"MessageRetentionPeriod": "345600"})
    asked = re.search(r"Set its MessageRetentionPeriod to (\d+)", wrong(given)["Q12"].hint)
    assert asked is not None
    yield
    given.sqs.dead_letter_queue.set_attributes(Attributes={"MessageRetentionPeriod": asked[1]})


@case("Q13")
def _(given: Given) -> Case:
    given.sqs.dead_letter_queue.send_message(MessageBody="x")
    mend = wrong(given)["Q13"].hint
    yield
    follow(mend.replace("ingest-dlq", "ingest-dlq --once"))


@case("Q14")
def _(given: Given) -> Case:
    given.sqs.dead_letter_queue.delete()
    yield
    sqs = boto3.client("sqs", endpoint_url=environment.aws_endpoint_url(), region_name=environment.REGION)
    sqs.create_queue(QueueName=f"{environment.QUEUE_NAME}-dead-letters")
    set_up(given.sqs)


@case("Q15")
def _(given: Given) -> Case:
    with iam.denied("sqs:DeleteMessage"):
        assert wrong(given)["Q15"].severity is Severity.WARNING
        yield


@case("S1")
def _(given: Given) -> Case:
    given.set(S3_PAYLOAD_BUCKETS=[BUCKET])
    assert wrong(given)["S1"].severity is Severity.NOT_TRIED
    yield
    given.set(S3_PAYLOAD_BUCKETS=[])


@case("T1")
def _(given: Given) -> Case:
    with iam.denied("sns:ListSubscriptionsByTopic"):
        assert "sns:ListSubscriptionsByTopic" in wrong(given)["T1"].hint
        yield


@case("T2")
def _(given: Given) -> Case:
    given.sqs.subscription.delete()
    yield
    again = given.sqs.topic.subscribe(
        Protocol="sqs", Endpoint=given.sqs.queue.attributes["QueueArn"], ReturnSubscriptionArn=True
    )
    again.set_attributes(AttributeName="RedrivePolicy", AttributeValue=redrive(given.sqs))


def _subscription(given: Given, name: str, value: str) -> None:
    given.sqs.subscription.set_attributes(AttributeName=name, AttributeValue=value)


@case("T3")
def _(given: Given) -> Case:
    _subscription(given, "FilterPolicy", '{"event_type": ["opportunity"]}')
    yield
    _subscription(given, "FilterPolicyScope", "MessageBody")


@case("T4")
def _(given: Given) -> Case:
    _subscription(given, "RawMessageDelivery", "true")
    attributes: Any = {f"a{n}": {"DataType": "String", "StringValue": "x"} for n in range(10)}
    given.sqs.topic.publish(Message="x", MessageAttributes=attributes)
    given.stack.receive()
    yield
    _subscription(given, "RawMessageDelivery", "false")


@case("T5")
def _(given: Given) -> Case:
    _subscription(given, "RawMessageDelivery", "true")
    given.set(ALLOWED_TOPICS=[given.sqs.topic.arn])
    yield
    _subscription(given, "RawMessageDelivery", "false")


@case("T6")
def _(given: Given) -> Case:
    arn = given.sqs.queue.attributes["QueueArn"]
    given.sqs.subscription.delete()
    again = given.sqs.topic.subscribe(Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    yield
    again.set_attributes(AttributeName="RedrivePolicy", AttributeValue=redrive(given.sqs))


@case("T7")
def _(given: Given) -> Case:
    def named_none() -> list[DoctorFinding]:
        return list(examine(conf.get_settings(), []))

    with given.patch.context() as without:
        without.setattr(Given, "examine", lambda given: named_none())
        yield


@case("R1")
def _(given: Given) -> Case:
    given.stack.valkey.kill()
    yield
    given.stack.valkey.start()
    given.stack.register_workers()


@case("R2")
def _(given: Given) -> Case:
    redis = hints.get_connection(OPPORTUNITIES)
    redis.config_set("maxmemory-policy", "allkeys-lru")
    asked = re.search(r"Set maxmemory-policy to (\w+)", wrong(given)["R2"].hint)
    try:
        yield
    finally:
        redis.config_set("maxmemory-policy", asked[1] if asked else "noeviction")


@case("R3")
def _(given: Given) -> Case:
    given.patch.setattr(broker, "MIN_REDIS_VERSION", 99)
    yield
    given.patch.setattr(broker, "MIN_REDIS_VERSION", 6)


@case("R5")
def _(given: Given) -> Case:
    given.stack.stop_worker(OPPORTUNITIES)
    yield
    given.stack.register_worker(OPPORTUNITIES)


@case("R6")
def _(given: Given) -> Case:
    suspend(hints.get_connection(OPPORTUNITIES))
    yield
    resume(hints.get_connection(OPPORTUNITIES))


@case("R7")
def _(given: Given) -> Case:
    hints.send([OPPORTUNITIES])
    given.stack.run_worker_of_another_serializer()
    yield
    given.stack.restart_worker(OPPORTUNITIES)


@case("R8")
def _(given: Given) -> Case:
    given.stack.stop_worker(OPPORTUNITIES)
    given.stack.register_worker(OPPORTUNITIES, "passport-items")
    yield
    given.stack.restart_worker(OPPORTUNITIES)


@case("R9")
def _(given: Given) -> Case:
    worker = given.stack.workers[OPPORTUNITIES]
    worker.connection.hset(worker.key, "version", "1.0")
    yield
    given.stack.restart_worker(OPPORTUNITIES)


@case("R10")
def _(given: Given) -> Case:
    """Case C10."""
    hints.send([OPPORTUNITIES])
    with given.patch.context() as deadly:
        deadly.setattr(jobs, "work", lambda name: os.kill(os.getpid(), signal.SIGKILL))
        given.stack.run_worker(kind=PassportWorker)
    assert "--worker-class" not in wrong(given)["R10"].hint
    yield
    given.stack.restart_worker(OPPORTUNITIES)


@case("R11")
def _(given: Given) -> Case:
    hints.get_rq_queue(OPPORTUNITIES).enqueue_call(hints.JOB, args=(OPPORTUNITIES,), timeout=1)
    with given.patch.context() as slow:
        slow.setattr(jobs, "work", lambda name: time.sleep(10))
        given.stack.run_worker()
    yield
    given.stack.restart_worker(OPPORTUNITIES)


@case("R12")
def _(given: Given) -> Case:
    """Case C8."""
    redis: Any = hints.get_connection(OPPORTUNITIES)
    redis.execute_command("ACL", "SETUSER", "default", "-eval")
    yield
    redis.execute_command("ACL", "SETUSER", "default", "+eval")


@case("R13")
def _(given: Given) -> Case:
    """Case C3."""
    given.stack.stop_worker(OPPORTUNITIES)
    given.stack.register_worker(OPPORTUNITIES, kind=Worker)
    yield
    given.stack.restart_worker(OPPORTUNITIES)


@case("R14")
def _(given: Given) -> Case:
    """Case B5."""
    given.stack.stop_worker(OPPORTUNITIES)
    with given.patch.context() as elsewhere:
        elsewhere.setattr(project, "SECRET_KEY", "of another installation")
        given.stack.register_worker(OPPORTUNITIES)
    yield
    given.stack.restart_worker(OPPORTUNITIES)


@case("D1")
def _(given: Given) -> Case:
    MigrationRecorder(connection).record_unapplied("passport_monitoring", "0001_initial")
    yield
    MigrationRecorder(connection).record_applied("passport_monitoring", "0001_initial")


@case("D2")
def _(given: Given) -> Case:
    yield  # the tests run on both databases


@case("D3")
def _(given: Given) -> Case:
    # The option alone: the pool itself is not among what the tests install.
    with given.patch.context() as pooled:
        pooled.setattr(database, "get_pool_size", lambda entry: 2)
        yield


def _sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@case("D4")
def _(given: Given) -> Case:
    # A clock of ours in place of PostgreSQL's, for this connection.
    _sql("CREATE SCHEMA skewed")
    _sql(
        "CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
        "$$ SELECT pg_catalog.clock_timestamp() - interval '10 minutes' $$"
    )
    _sql("SET search_path = skewed, pg_catalog, public")
    assert "10 min apart" in wrong(given)["D4"].text
    yield
    _sql("RESET search_path")
    _sql("DROP SCHEMA skewed CASCADE")


@case("D5")
def _(given: Given) -> Case:
    _sql("SET default_transaction_read_only = on")
    assert "ReadOnlySqlTransaction" in wrong(given)["D5"].text
    yield
    _sql("RESET default_transaction_read_only")


@case("D6")
def _(given: Given) -> Case:
    usual = [each.text for each in given.examine() if each.id == "D6"]
    _sql("SET synchronous_commit = off")
    said = [each.text for each in given.examine() if each.id == "D6"]
    assert [text.split()[0] for text in set(said) - set(usual)] == ["synchronous_commit"]
    with given.patch.context() as counted:
        counted.setitem(OF_THE_TESTS, "postgresql", set())
        counted.setattr(
            Given, "examine", lambda given: [each for each in _examine(given) if each.text not in usual]
        )
        yield
    _sql("SET synchronous_commit = on")


def _examine(given: Given) -> list[DoctorFinding]:
    return list(examine(conf.get_settings(), [given.sqs.topic.arn]))


def _setting(number: Id, name: str, bad: str, good: str) -> None:
    """A setting of the server that is wrong in this session."""

    @case(number)
    def _(given: Given) -> Case:
        _sql(f"SET {name} = '{bad}'")
        yield
        _sql(f"SET {name} = '{good}'")


_setting("D8", "statement_timeout", "5s", "30s")
_setting("D9", "idle_in_transaction_session_timeout", "119s", "120s")
_setting("D11", "default_transaction_isolation", "serializable", "read committed")


def _server(statement: str) -> None:
    """Change the server's configuration, which no transaction may do."""
    with psycopg.connect(**_address(), autocommit=True) as other:
        other.execute(statement)
        other.execute("SELECT pg_reload_conf()")


def _address() -> dict[str, Any]:
    there = connection.settings_dict
    return {"host": there["HOST"], "port": there["PORT"], "user": there["USER"], "dbname": there["NAME"]}


def _eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@case("D7")
def _(given: Given) -> Case:
    def is_now(value: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SHOW autovacuum")
            return bool(cursor.fetchone()[0] == value)

    _server("ALTER SYSTEM SET autovacuum = off")
    try:
        _eventually(lambda: is_now("off"))
        yield
    finally:
        _server("ALTER SYSTEM RESET autovacuum")
    _eventually(lambda: is_now("on"))


@case("D10")
def _(given: Given) -> Case:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections')::int")
        [most] = cursor.fetchone()
    with contextlib.ExitStack() as held:
        with contextlib.suppress(psycopg.OperationalError):
            for _ in range(most):
                held.enter_context(psycopg.connect(**_address()))
        yield
    _eventually(lambda: "D10" not in wrong(given))


@case("D12")
def _(given: Given) -> Case:
    table = ProcessedMessage._meta.db_table
    _sql(f"ALTER TABLE {table} RENAME TO gone")
    try:
        assert "UndefinedTable" in wrong(given)["D12"].text
        yield
    finally:
        _sql(f"ALTER TABLE gone RENAME TO {table}")


@case("D13")
def _(given: Given) -> Case:
    _sql("CREATE ROLE limited")
    _sql("GRANT USAGE ON SCHEMA public TO limited")
    _sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO limited")
    _sql("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO limited")
    _sql("REVOKE DELETE ON passport_events_heartbeat FROM limited")
    _sql("SET ROLE limited")
    assert "passport_events_heartbeat" in wrong(given)["D13"].text
    yield
    _sql("RESET ROLE")
    _sql("GRANT DELETE ON passport_events_heartbeat TO limited")
    _sql("SET ROLE limited")
    assert wrong(given) == {}
    _sql("RESET ROLE")


@case("D14")
def _(given: Given) -> Case:
    """Case D5."""
    message = opportunity()
    rows(message).update(
        status=Status.SUCCEEDED,
        due_at=None,
        finished_at=ClockTimestamp() - YEAR,
        claimed_at=ClockTimestamp() - YEAR,
    )
    Delivery.objects.update(received_at=ClockTimestamp() - YEAR, sent_at=ClockTimestamp() - YEAR)
    mend = wrong(given)["D14"].hint
    yield
    follow(mend)


@case("M1")
def _(given: Given) -> Case:
    """Case C10."""
    message = opportunity()
    crash = {
        "crashes": 3,
        "fingerprint": fingerprint.compute_crash_fingerprint("opportunity"),
        "due_at": None,
    }
    rows(message).update(status=Status.DEAD, finished_at=message.delivery.received_at, **crash)
    found = wrong(given)["M1"]
    assert f"Message {message.pk} took its worker down" in found.text
    yield
    follow(found.hint)
    given.stack.work_off()


# The canary: it goes down the whole path, in steps that a test takes.


def said_of_canaries(given: Given, *, receive: bool = True, work: bool = True) -> list[DoctorFinding]:
    sent = canary.send(conf.get_settings(), given.through, ["opportunity"])
    if isinstance(sent, DoctorFinding):
        return [sent]
    if receive:
        given.stack.receive()
    if work:
        given.stack.work_off()
    return list(canary.judge(canary.follow(sent, NOW), NOW))


def ids(findings: list[DoctorFinding]) -> list[str]:
    return [finding.id for finding in findings]


def of_canaries(number: Id) -> Callable[[Callable[[Given], Iterator[list[DoctorFinding]]]], None]:
    """A case that yields what the canaries said; when it is mended they come to their end."""

    def note(function: Callable[[Given], Iterator[list[DoctorFinding]]]) -> None:
        CANARIES[number] = function
        CASES[number] = lambda given: iter(())

    return note


CANARIES: dict[str, Callable[[Given], Iterator[list[DoctorFinding]]]] = {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [each for each in EVERY if each[0] == "C" and each != "C0"])
def test_a_canary_finds_a_fault_and_comes_to_its_end_when_it_is_mended(number: Id, given: Given) -> None:
    if connection.vendor == "sqlite" and number in ON_POSTGRESQL:
        pytest.skip("needs PostgreSQL")
    with broken(CANARIES[number](given)) as said:
        assert set(ids(said)) - {"C0"} == {number}
        assert all(finding.hint for finding in said if finding.id != "C0")
    assert ids(said_of_canaries(given)) == ["C0"]


@of_canaries("C1")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    given.through = given.sqs.topic.arn
    with iam.denied("sns:Publish"):
        said = said_of_canaries(given)
        assert "sns:Publish" in said[0].hint
        yield said


@of_canaries("C2")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    """Case C2."""
    given.stack.poller.stop()
    yield said_of_canaries(given, receive=False)
    given.stack.beat()


@of_canaries("C3")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    sent = canary.send(conf.get_settings(), "", ["opportunity"])
    assert not isinstance(sent, DoctorFinding)
    given.sqs.queue.purge()
    yield list(canary.judge(canary.follow(sent, NOW), NOW))


@of_canaries("C4")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    yield said_of_canaries(given, work=False)


@of_canaries("C5")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    given.set(ALLOWED_TOPICS=["arn:aws:sns:us-east-1:123456789012:another"])
    given.through = given.sqs.topic.arn
    yield said_of_canaries(given)
    given.set(ALLOWED_TOPICS=[given.sqs.topic.arn])


@of_canaries("C6")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    sent = canary.send(conf.get_settings(), "", ["opportunity"])
    assert not isinstance(sent, DoctorFinding)
    [message] = given.sqs.queue.receive_messages()
    message.change_visibility(VisibilityTimeout=0)
    given.stack.receive()
    given.stack.work_off()
    yield list(canary.judge(canary.follow(sent, NOW), NOW))


@of_canaries("C7")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    passport("pause", "--event-type", "opportunity", "--reason", "a test")
    yield said_of_canaries(given)
    assert passport("resume", "--event-type", "opportunity")[0] == 0


@of_canaries("C8")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    yield _commanded("--no-canary")


@of_canaries("C9")
def _(given: Given) -> Iterator[list[DoctorFinding]]:
    _sql("SET default_transaction_read_only = on")
    yield _commanded("--timeout", "1")
    _sql("RESET default_transaction_read_only")


def _commanded(*flags: str) -> list[DoctorFinding]:
    """What the command says of canaries."""
    report = json.loads(passport("doctor", "--json", *flags)[1])
    found = [DoctorFinding(**each) for each in report["findings"]]
    return [each for each in found if each.id[0] == "C"]


@case("T8")
def _(given: Given) -> Case:
    said = _through(given, "")
    assert "any topic" in said[0].text
    given.patch.setattr(Given, "examine", lambda given: [*_examine(given), *said])
    yield
    said = _through(given, given.sqs.topic.arn)


def _through(given: Given, topic: str) -> list[DoctorFinding]:
    flags = ["--topic", topic] if topic else []
    report = json.loads(passport("doctor", "--json", "--timeout", "1", *flags)[1])
    return [DoctorFinding(**each) for each in report["findings"] if each["id"] == "T8"]


@pytest.mark.django_db
def test_a_redis_in_which_others_write_hides_nothing(given: Given) -> None:
    queue_of_rq = hints.get_rq_queue(OPPORTUNITIES)
    queue_of_rq.connection.set(queue_of_rq.key, "garbage")
    said = [each for each in given.examine() if each.id not in OF_THE_TESTS[connection.vendor]]
    assert {each.id for each in said} - {"D0"} == {"M0", "R0", "R1", "Q0", "T0"}
    assert [OPPORTUNITIES in each.text for each in said if each.id == "R1"] == [True]


@pytest.mark.django_db(transaction=True)
def test_a_topic_that_is_none_is_a_finding(given: Given) -> None:
    report = json.loads(passport("doctor", "--json", "--topic", "salesforce")[1])
    assert {each["id"] for each in report["findings"]} >= {"Q0", "T1", "C1"}


@pytest.mark.django_db(transaction=True)
def test_two_faults_are_two_findings(given: Given) -> None:
    """A paused type is not what a missing worker is blamed for, and the other way around."""
    passport("pause", "--event-type", "opportunity", "--reason", "a test")
    given.stack.stop_worker("passport-items")
    sent = canary.send(conf.get_settings(), "", ["opportunity", "item"])
    assert not isinstance(sent, DoctorFinding)
    given.stack.receive()
    assert ids(list(canary.judge(canary.follow(sent, NOW), NOW))) == ["C7", "C4"]
    assert set(wrong(given)) == {"R5"}
