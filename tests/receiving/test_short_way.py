"""SQS's calls without most of boto3: the same request, and boto3's whole way for all that is not good."""

from __future__ import annotations

import base64
import functools
import json
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config

from passport_events import conf
from passport_events.receiving import aws
from passport_events.receiving.short_way import MOST_IN_VAIN, ShortWay
from passport_events.receiving.sqs import SqsQueue
from passport_events.receiving.wire.envelope import of_queue
from tests.harness.aws import Sqs
from tests.receiving.answering import answered_by

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
    return aws.client(conf.current(), "sqs", 1, attempts=1)


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

    ShortWay(client).call(action, **WORDS[action])

    boto3s, ours = requests
    assert BOTO3_ALONE in boto3s.headers
    assert BOTO3_ALONE not in ours.headers
    assert (ours.method, ours.url) == (boto3s.method, boto3s.url)
    assert json.loads(ours.body) == json.loads(boto3s.body)
    for name in ("X-Amz-Target", "Content-Type"):
        assert ours.headers[name] == boto3s.headers[name].decode()


def test_it_is_signed_for_its_region(client: Any) -> None:
    requests = answered_by(client, {})
    ShortWay(client).call("ReceiveMessage", **WORDS["ReceiveMessage"])
    (authorization,) = [request.headers["Authorization"] for request in requests]
    assert f"/{conf.current().region}/sqs/aws4_request" in authorization
    assert "content-type;host;x-amz-date;x-amz-target" in authorization


def test_receive_and_delete_take_it(sqs: Sqs) -> None:
    sqs.queue.send_message(MessageBody="x")
    queue = SqsQueue(conf.current())
    headers: list[Any] = []
    for client in (queue._polling._client, queue._deleting._client):
        client.meta.events.register("before-send.sqs", lambda request, **_: headers.append(request.headers))

    assert queue.delete(queue.receive(10, 0)) == []

    assert [BOTO3_ALONE in each for each in headers] == [False, False]


def test_where_boto3s_calls_are_traced_they_are_made_through_boto3(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = answered_by(client, {})
    traced = []

    class Wrapper:
        """As wrapt's: no function, but callable and bound to the client that it is called on."""

        def __init__(self, wrapped: Any) -> None:
            self.wrapped = wrapped

        def __get__(self, instance: Any, owner: Any) -> Any:
            return functools.partial(self, instance)

        def __call__(self, instance: Any, operation: str, words: Any) -> Any:
            traced.append(operation)
            return self.wrapped(instance, operation, words)

    monkeypatch.setattr(BaseClient, "_make_api_call", Wrapper(vars(BaseClient)["_make_api_call"]))
    ShortWay(client).call("ReceiveMessage", **WORDS["ReceiveMessage"])

    assert traced == ["ReceiveMessage"]
    assert [BOTO3_ALONE in request.headers for request in requests] == [True]


def test_a_refusal_is_boto3s_error(client: Any) -> None:
    said = {"__type": "com.amazonaws.sqs#OverLimit", "message": "too many"}
    requests = answered_by(client, said, 400, 400)
    with pytest.raises(client.exceptions.OverLimit):
        ShortWay(client).call("ReceiveMessage", **WORDS["ReceiveMessage"])
    assert [BOTO3_ALONE in request.headers for request in requests] == [False, True]


@pytest.mark.parametrize("said", [None, [], "text", 0])
def test_a_page_that_is_no_answer_of_sqs_is_asked_for_again(client: Any, said: object) -> None:
    requests = answered_by(client, said)
    with suppress(Exception):  # boto3 takes some of them for an answer
        ShortWay(client).call("ReceiveMessage", **WORDS["ReceiveMessage"])
    assert [BOTO3_ALONE in request.headers for request in requests] == [False, True]


@pytest.mark.parametrize("said", [{}, {"Messages": None}, {"Messages": []}])
def test_an_answer_without_messages_is_an_empty_receive(said: object) -> None:
    queue = SqsQueue(conf.current())
    answered_by(queue._polling._client, said)
    assert queue.receive(10, 0) == []


def test_binary_attributes_are_what_they_are_through_boto3(sqs: Sqs) -> None:
    """boto3 makes bytes of them, and SQS's JSON has base64: so have our rows."""
    sqs.queue.send_message(
        MessageBody="{}",
        MessageAttributes={"bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}},
    )
    (received,) = SqsQueue(conf.current()).receive(10, 0)
    assert of_queue(received).attributes == {"bytes": base64.b64encode(b"\x00\xff").decode()}


def test_a_way_that_fails_where_boto3_succeeds_is_left_for_good(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = answered_by(client, {"Messages": []})
    way = ShortWay(client)
    # Another botocore, say.
    monkeypatch.delattr(client._request_signer.__class__, "get_auth_instance")
    monkeypatch.setattr(client._request_signer, "sign", lambda *args, **kwargs: None)

    for _ in range(MOST_IN_VAIN + 3):
        assert way.call("ReceiveMessage", **WORDS["ReceiveMessage"])["Messages"] == []

    assert way._in_vain == MOST_IN_VAIN
    assert [BOTO3_ALONE in request.headers for request in requests] == [True] * (MOST_IN_VAIN + 3)


def test_failures_that_are_not_in_a_row_do_not_close_it(client: Any) -> None:
    way = ShortWay(client)
    statuses = [503, 200] * (MOST_IN_VAIN - 1) + [200] + [503, 200]
    requests = answered_by(client, {"Messages": []}, *statuses)

    for _ in range(MOST_IN_VAIN + 2):
        way.call("ReceiveMessage", **WORDS["ReceiveMessage"])

    # Only what failed was asked twice, the second time by boto3.
    assert [BOTO3_ALONE in request.headers for request in requests] == (
        [False, True] * (MOST_IN_VAIN - 1) + [False] + [False, True] + [False]
    )
