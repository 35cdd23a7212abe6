"""Case C5. Which errors end a process at its start, what they say, and that the same ones later do not."""

from __future__ import annotations

from typing import Any

import botocore.exceptions as boto
import pytest
from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from passport_events.aws_clients.clients import is_permanent
from passport_events.aws_clients.error_advice import SNS, find_advice
from passport_events.exceptions import QueueUnavailable, StartFailed, ThreadCrashed
from passport_events.models import Heartbeat, SalesforceOrganization
from passport_events.processes.backoff import Backoff, Startup
from passport_events.processes.errors import describe_database, describe_error, find_fault
from passport_events.receiving.sqs import MAX_BATCH
from passport_events.testing import FakeQueue
from passport_events.wire.raw_delivery import RawDelivery
from tests.harness.notifications import Notifications
from tests.receiving.factories import eventually
from tests.receiving.services import Running, fill, service_of

URL = {"endpoint_url": "https://sqs.us-east-1.amazonaws.com"}


def refusal(code: str, status: int = 400, operation: str = "ReceiveMessage") -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


PERMANENT = [
    refusal("AWS.SimpleQueueService.NonExistentQueue"),
    refusal("QueueDoesNotExist"),
    refusal("InvalidAddress", 404),
    refusal("AccessDenied", 403),
    refusal("AccessDeniedException"),
    refusal("KmsAccessDenied"),
    refusal("KmsDisabled"),
    refusal("InvalidClientTokenId", 403),
    refusal("InvalidSecurity", 403),
    refusal("UnrecognizedClientException"),
    refusal("SignatureDoesNotMatch", 403),
    refusal("InvalidSignatureException"),
    refusal("MissingAuthenticationToken", 403),
    refusal("ExpiredToken", 403),
    refusal("ExpiredTokenException"),
    refusal("OptInRequired", 403),
    refusal("UnknownOperationException", 404),
    boto.NoCredentialsError(),
    boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
    boto.UnauthorizedSSOTokenError(),
]
PASSING = [
    refusal("ThrottlingException"),
    refusal("RequestThrottled", 403),
    refusal("AWS.SimpleQueueService.OverLimit", 403),
    refusal("KmsThrottled"),
    refusal("RequestTimeout", 400),
    refusal("InternalFailure", 500),
    refusal("ServiceUnavailable", 503),
    refusal("403", 403),
    refusal("404", 404),
    boto.EndpointConnectionError(**URL),
    boto.ConnectTimeoutError(**URL),
    boto.ReadTimeoutError(**URL),
    boto.ConnectionClosedError(**URL),
    boto.ProxyConnectionError(proxy_url="http://proxy"),
    boto.CredentialRetrievalError(provider="iam-role", error_msg="timed out"),
    ValueError("a page of a proxy"),
]


def name_of(error: object) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__


@pytest.mark.parametrize("error", PERMANENT, ids=name_of)
def test_what_waiting_does_not_mend_is_permanent_and_has_a_way_out(error: Exception) -> None:
    assert is_permanent(error, "us-east-1")
    assert find_advice(name_of(error)).endswith(". ")


@pytest.mark.parametrize("error", PASSING, ids=name_of)
def test_what_may_pass_is_not_permanent(error: Exception) -> None:
    assert not is_permanent(error, "us-east-1")


@pytest.mark.parametrize(
    ("region", "is_unknown"),
    [
        ("us-esat-1", True),
        ("eu-central-1", False),
        ("cn-north-1", False),
        ("us-gov-west-1", False),
        ("", False),
    ],
)
def test_a_host_that_does_not_answer_in_a_region_that_does_not_exist_is_permanent(
    region: str, *, is_unknown: bool
) -> None:
    assert is_permanent(boto.EndpointConnectionError(**URL), region) is is_unknown


def test_a_way_out_is_that_of_the_service_and_of_the_operation() -> None:
    assert "sqs:ReceiveMessage" in find_advice("AccessDenied")
    assert "sns:Publish" in find_advice("AuthorizationError", SNS)
    assert "trust policy" in find_advice("AccessDenied", operation="AssumeRoleWithWebIdentity")
    assert find_advice("InternalFailure") == ""


def by_code(kind: type[Error], state: str) -> Error:
    error, driver = kind("Key (email)=(student@example.edu)"), Exception("driver")
    driver.sqlstate = state  # type: ignore[attr-defined]
    error.__cause__ = driver
    return error


CONNECTION_CODES = ("57P01", "57P03", "57P05", "25P03", "08000", "08006")
"""Of connections that the server ended or refused, idle timeouts included."""


@pytest.mark.parametrize(
    ("error", "cause", "permanent"),
    [
        (by_code(ProgrammingError, "42P01"), "lacks required tables", True),
        (by_code(ProgrammingError, "42703"), "lacks required tables", True),
        (OperationalError("no such table: passport_events_heartbeat"), "lacks required tables", True),
        (OperationalError("table x has no column named y"), "lacks required tables", True),
        (by_code(ProgrammingError, "42501"), "denies a required privilege", True),
        (by_code(OperationalError, "28P01"), "rejects the user", True),
        (OperationalError('FATAL:  password authentication failed for user "u"'), "rejects the user", True),
        (OperationalError('connection failed: FATAL:  database "x" does not exist'), "does not exist", True),
        (OperationalError('connection failed: FATAL:  role "x" does not exist'), "rejects the user", True),
        (OperationalError("unable to open database file"), "cannot be opened", True),
        (by_code(InterfaceError, "25006"), "is read-only", False),
        (OperationalError("attempt to write a readonly database"), "is read-only", False),
        (OperationalError("database is locked"), "was locked", False),
        (
            OperationalError('connection failed: FATAL:  role "x" is not permitted to log in'),
            "rejects the user",
            True,
        ),
        (by_code(OperationalError, "57P04"), "does not exist", True),
        *((by_code(OperationalError, code), "cannot be reached", False) for code in CONNECTION_CODES),
        (OperationalError("connection failed: Connection refused"), "cannot be reached", False),
        (
            OperationalError("couldn't get a connection after 30.00 sec"),
            "cannot give the pool a connection",
            False,
        ),
        (OperationalError("FATAL:  sorry, too many clients already"), "has no free connection", False),
        (by_code(OperationalError, "53100"), "has no space", False),
        (IntegrityError("no such table: student@example.edu"), "rejects the statement", False),
        (DataError("no such table"), "rejects the statement", False),
        (by_code(DataError, "22001"), "rejects the statement", False),
    ],
)
def test_an_error_of_the_database_names_it_its_cause_and_the_way_out_and_no_value(
    error: Error, cause: str, *, permanent: bool
) -> None:
    said = describe_error(error)
    assert said.startswith(f"{describe_database()} {cause}")
    assert said.endswith("run manage.py passport doctor.")
    assert "student" not in said
    assert find_fault(error).is_permanent is permanent
    if "tables" in cause:
        assert "manage.py migrate" in said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"NAME": "passport", "HOST": "db", "PORT": "5433"}, "passport at db:5433 (alias default)"),
        ({"NAME": "passport", "HOST": "u:secret@db", "PORT": ""}, "passport at db (alias default)"),
        ({"NAME": "passport", "HOST": "", "PORT": ""}, "passport at its local socket (alias default)"),
        (
            {"NAME": "postgresql://u:secret@db/x", "HOST": "", "PORT": ""},
            "given by a connection string at its local socket (alias default)",
        ),
    ],
)
def test_a_database_is_described_without_user_and_password(
    monkeypatch: pytest.MonkeyPatch, entry: dict[str, str], said: str
) -> None:
    connection: BaseDatabaseWrapper = connections["default"]
    secret = {**connection.settings_dict, **entry, "USER": "secret", "PASSWORD": "secret", "OPTIONS": {}}
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(connection, "display_name", "PostgreSQL")
    monkeypatch.setattr(connection, "settings_dict", secret)
    assert describe_database() == f"PostgreSQL database {said}"


NO_QUEUE = QueueUnavailable("SQS did not answer a receive: QueueDoesNotExist", is_permanent=True)
NO_TABLES = OperationalError("no such table: passport_events_heartbeat")


@pytest.mark.parametrize("error", [NO_QUEUE, NO_TABLES], ids=["queue", "database"])
def test_a_permanent_error_ends_a_start_at_once_and_is_waited_out_later(error: Exception) -> None:
    with pytest.raises(StartFailed):
        Backoff(60).note_failure("it", error)
    startup = Startup()
    Backoff(60, startup=startup).note_success("it")
    assert Backoff(60, startup=startup).note_failure("it", error) > 0  # another loop knows it, too
    with pytest.raises(StartFailed):
        Backoff(60, startup=startup).note_failure("something else", error)


def test_an_error_of_our_own_is_no_reason_to_call_a_start_hopeless() -> None:
    assert Backoff(60).note_failure("it", ThreadCrashed("a bug")) > 0
    assert Backoff(60).note_failure("it", QueueUnavailable("away")) > 0


class RefusingQueue(FakeQueue):
    """Refuses receives for good while `is_refused`, as after a queue was deleted or a right withdrawn."""

    is_refused = False

    def receive(self, limit: int = MAX_BATCH, wait_seconds: int = 0) -> list[RawDelivery]:
        """Refuse, or receive."""
        if self.is_refused:
            self.requests += 1
            raise NO_QUEUE
        return super().receive(limit, wait_seconds)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("short_timeouts")
def test_a_queue_that_is_missing_at_the_start_ends_it_after_one_request() -> None:
    queue = RefusingQueue()
    queue.is_refused = True
    with pytest.raises(StartFailed, match="QueueDoesNotExist"):
        service_of(queue).run()
    assert queue.requests == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("short_timeouts")
def test_a_queue_that_is_missing_for_a_moment_is_waited_out(
    home: SalesforceOrganization, notifications: Notifications
) -> None:
    queue = RefusingQueue()
    with Running(service_of(queue, receivers=3)) as running:
        eventually(lambda: queue.requests > 3)
        queue.is_refused = True
        before = queue.requests
        eventually(lambda: queue.requests > before + 6)
        queue.is_refused = False
        fill(queue, 3)
        eventually(lambda: not queue.bodies)
    assert running.error is None
    assert "away" in notifications.states_of("sqs")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("short_timeouts")
def test_tables_that_are_missing_at_the_first_batch_end_it_and_later_they_do_not(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(deliveries: object) -> None:
        raise OperationalError("table passport_events_delivery has no column named queue")

    fill(queue, 1)
    with monkeypatch.context() as patched:
        patched.setattr("passport_events.receiving.queries.insert", refuse)
        with pytest.raises(StartFailed, match=r"manage\.py migrate"):
            service_of(queue).run()
    queue = FakeQueue()
    fill(queue, 1)
    with Running(service_of(queue)) as running:
        eventually(lambda: not queue.bodies)
        with monkeypatch.context() as patched:
            patched.setattr("passport_events.receiving.queries.insert", refuse)
            fill(queue, 1)
            before = queue.requests
            eventually(lambda: queue.requests > before + 2)
        assert running.error is None
    assert running.error is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("short_timeouts")
def test_a_start_says_what_it_receives_from_and_into(
    home: SalesforceOrganization,
    queue: FakeQueue,
    notifications: Notifications,
    caplog: pytest.LogCaptureFixture,
) -> None:
    said: list[str] = []
    service = service_of(queue, receivers=2, once=False, until_empty=True)
    service._on_start = said.append
    with caplog.at_level("INFO", logger="passport_events"):
        service.run()
    assert said == [f"2 receivers from fake queue into {describe_database()}"]
    (line,) = [record for record in caplog.records if record.getMessage().startswith("receiving ")]
    assert line.levelname == "INFO"
    assert describe_database() in line.getMessage()
    assert not Heartbeat.objects.exists()


def test_a_connection_string_as_name_is_not_repeated_with_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Django's own text about a name that is too long repeats it."""
    name = "host=db user=passport Password=hidden-" + "x" * 60

    def refuse(self: object) -> None:
        raise ImproperlyConfigured(f"The database name '{name}' is too long")

    monkeypatch.setitem(connection.settings_dict, "NAME", name)
    monkeypatch.setattr(connections["default"], "get_connection_params", lambda: refuse(None))
    with pytest.raises(StartFailed) as caught:
        describe_database()
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
