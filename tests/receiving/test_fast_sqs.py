"""SQS's calls without most of boto3: the same request, and boto3's whole way for all that is not good."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from passport_events import conf
from passport_events.aws_clients import clients
from passport_events.receiving.fast_sqs import MAX_UNEXPECTED_ERRORS, FastSqsClient, NoAnswerOfSqsError
from passport_events.receiving.sqs import SqsQueue
from passport_events.wire.envelope import unwrap_sqs
from tests.harness.aws import Sqs
from tests.receiving.answering import answered_by

pytestmark = pytest.mark.any_database

BOTO3_ALONE = "x-amzn-query-mode"
"""A header of boto3's own way."""
WORDS: dict[str, Any] = {
    "ReceiveMessage": {
        "QueueUrl": "https://sqs.example/1/q",
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 20,
    },
    "DeleteMessageBatch": {
        "QueueUrl": "https://sqs.example/1/q",
        "Entries": [{"Id": "0", "ReceiptHandle": "ü"}],
    },
}


def a_client(region: str = "us-east-1", **config: Any) -> Any:
    return boto3.session.Session().client("sqs", region_name=region, config=Config(**config))


@pytest.fixture
def client() -> Any:
    return clients.create_client(conf.get_settings(), "sqs", 1, attempts=1)


def noting(attempts: list[int], client: Any) -> Callable[[int], Any]:
    """Makes always the same client, and notes for how many attempts."""

    def make(number: int) -> Any:
        attempts.append(number)
        return client

    return make


def over(client: Any) -> FastSqsClient:
    return FastSqsClient(lambda attempts: client)


@pytest.mark.parametrize("action", WORDS)
@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
@pytest.mark.parametrize(
    "config",
    [{}, {"use_fips_endpoint": True}, {"use_dualstack_endpoint": True}],
    ids=lambda config: next(iter(config), "plain"),
)
def test_it_asks_what_boto3_asks(region: str, config: dict[str, Any], action: str) -> None:
    client = a_client(region, **config)
    requests = answered_by(client, {})
    method = {"ReceiveMessage": client.receive_message, "DeleteMessageBatch": client.delete_message_batch}
    method[action](**WORDS[action])

    over(client).call(action, **WORDS[action])

    boto3s, ours = requests
    assert BOTO3_ALONE in boto3s.headers
    assert BOTO3_ALONE not in ours.headers
    assert (ours.method, ours.url) == (boto3s.method, boto3s.url)
    assert json.loads(ours.body) == json.loads(boto3s.body)
    for name in ("X-Amz-Target", "Content-Type"):
        assert ours.headers[name] == boto3s.headers[name].decode()


def test_it_is_signed_for_its_region(client: Any) -> None:
    requests = answered_by(client, {})
    over(client).call("ReceiveMessage", **WORDS["ReceiveMessage"])
    (authorization,) = [request.headers["Authorization"] for request in requests]
    assert f"/{conf.get_settings().region}/sqs/aws4_request" in authorization
    assert "content-type;host;x-amz-date;x-amz-target" in authorization


def test_receive_and_delete_take_it(sqs: Sqs) -> None:
    sqs.queue.send_message(MessageBody="x")
    queue = SqsQueue(conf.get_settings())
    headers: list[Any] = []
    for client in (queue._polling._client, queue._deleting._client):
        client.meta.events.register("before-send.sqs", lambda request, **_: headers.append(request.headers))

    assert queue.delete(queue.receive(10, 0)) == []

    assert [BOTO3_ALONE in each for each in headers] == [False, False]


class Wrapper:
    """As wrapt's: no function, but callable and bound to the client that it is called on."""

    def __init__(self, wrapped: Any, traced: list[str]) -> None:
        self.wrapped, self.traced = wrapped, traced

    def __get__(self, instance: Any, owner: Any) -> Any:
        return functools.partial(self, instance)

    def __call__(self, instance: Any, operation: str, words: Any) -> Any:
        """Note the call, and make it."""
        self.traced.append(operation)
        return self.wrapped(instance, operation, words)


@pytest.mark.parametrize("kind", ["wrapper", "function"])
def test_where_boto3s_calls_are_wrapped_they_are_made_through_boto3(
    client: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    requests = answered_by(client, {})
    traced: list[str] = []
    own = vars(BaseClient)["_make_api_call"]

    def wrapped(instance: Any, operation: str, words: Any) -> Any:
        traced.append(operation)
        return own(instance, operation, words)

    monkeypatch.setattr(BaseClient, "_make_api_call", wrapped if kind == "function" else Wrapper(own, traced))
    attempts: list[int] = []
    way = FastSqsClient(noting(attempts, client))
    way.call("ReceiveMessage", **WORDS["ReceiveMessage"])

    assert traced == ["ReceiveMessage"]
    assert [BOTO3_ALONE in request.headers for request in requests] == [True]
    assert attempts[-1] == 2  # boto3's own retry, because nothing was tried before


def test_a_refusal_is_boto3s_error(client: Any) -> None:
    said = {"__type": "com.amazonaws.sqs#OverLimit", "message": "too many"}
    requests = answered_by(client, said, 400, 400)
    with pytest.raises(client.exceptions.OverLimit):
        over(client).call("ReceiveMessage", **WORDS["ReceiveMessage"])
    assert [BOTO3_ALONE in request.headers for request in requests] == [False, True]


@pytest.mark.parametrize("said", [None, [], "text", 0])
def test_a_page_that_is_no_answer_of_sqs_is_never_left_to_boto3(client: Any, said: object) -> None:
    """boto3 takes some of them for an empty receive."""
    requests = answered_by(client, said)
    with pytest.raises(NoAnswerOfSqsError):
        over(client).call("ReceiveMessage", **WORDS["ReceiveMessage"])
    assert [BOTO3_ALONE in request.headers for request in requests] == [False]


@pytest.mark.parametrize("said", [{}, {"Messages": None}, {"Messages": []}])
def test_an_answer_without_messages_is_an_empty_receive(said: object) -> None:
    queue = SqsQueue(conf.get_settings())
    answered_by(queue._polling._client, said)
    assert queue.receive(10, 0) == []


def test_binary_attributes_are_what_they_are_through_boto3(sqs: Sqs) -> None:
    """boto3 makes bytes of them, and SQS's JSON has base64: so have our rows."""
    sqs.queue.send_message(
        MessageBody="{}",
        MessageAttributes={"bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}},
    )
    (received,) = SqsQueue(conf.get_settings()).receive(10, 0)
    assert unwrap_sqs(received).attributes == {"bytes": base64.b64encode(b"\x00\xff").decode()}


def test_a_way_that_another_botocore_has_not_is_left_for_good(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = answered_by(client, {"Messages": []})
    attempts: list[int] = []
    way = FastSqsClient(noting(attempts, client))
    asked = []

    def another(*arguments: Any) -> Any:
        asked.append(1)
        raise AttributeError

    monkeypatch.setattr(client._request_signer, "get_auth_instance", another)
    monkeypatch.setattr(client._request_signer, "sign", lambda *args, **kwargs: None)

    for _ in range(MAX_UNEXPECTED_ERRORS + 3):
        assert way.call("ReceiveMessage", **WORDS["ReceiveMessage"])["Messages"] == []

    assert len(asked) == MAX_UNEXPECTED_ERRORS
    assert [BOTO3_ALONE in request.headers for request in requests] == [True] * (MAX_UNEXPECTED_ERRORS + 3)
    assert attempts == [1, 2]


@pytest.mark.parametrize("failure", ["status", "connection"])
def test_what_the_network_and_sqs_do_never_closes_it(
    client: Any, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """Given connections that a proxy drops whenever they were idle, the next call goes the short way again."""
    way = over(client)
    calls = 2 * MAX_UNEXPECTED_ERRORS
    if failure == "status":
        requests = answered_by(client, {"Messages": []}, *[503, 200] * calls)
    else:
        requests = answered_by(client, {"Messages": []})
        client.meta.events.register_first("before-send.sqs", dropped(every=2))

    for _ in range(calls):
        way.call("ReceiveMessage", **WORDS["ReceiveMessage"])

    by_boto3 = [BOTO3_ALONE in request.headers for request in requests]
    assert by_boto3 == ([False, True] * calls if failure == "status" else [True] * calls)
    assert way._unexpected_errors == 0


def dropped(every: int) -> Any:
    """The first of so many requests finds that the connection is closed."""
    count = iter(range(10**6))

    def drop(request: Any, **_: Any) -> None:
        if next(count) % every == 0:
            raise ConnectionClosedError(endpoint_url=request.url, request=request)

    return drop
