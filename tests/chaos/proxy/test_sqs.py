"""An SQS that is not well, through boto3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.exceptions import HTTPClientError as NoAnswer

from project.embedded import LOOPBACK, SqsEmulator
from tests.chaos.proxy import Answer, CutRequest, Edit, LoseReply, TcpProxy, sqs

pytestmark = pytest.mark.any_database

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


def client(port: int) -> SQSClient:
    return boto3.session.Session().client(
        "sqs",
        endpoint_url=f"http://{LOOPBACK}:{port}",
        region_name="us-east-1",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}, proxies={}),
    )


@pytest.fixture(scope="module")
def emulator() -> Iterator[SqsEmulator]:
    with SqsEmulator() as started:
        yield started


@pytest.fixture
def proxy(emulator: SqsEmulator) -> Iterator[TcpProxy]:
    proxy = TcpProxy("sqs", emulator.port)
    proxy.start()
    yield proxy
    proxy.close()


@pytest.fixture
def direct(emulator: SqsEmulator) -> SQSClient:
    return client(emulator.port)


@pytest.fixture
def queue_url(direct: SQSClient, request: pytest.FixtureRequest) -> str:
    """A queue with four messages."""
    url = direct.create_queue(QueueName=f"queue-{abs(hash(request.node.name))}")["QueueUrl"]
    direct.send_message_batch(
        QueueUrl=url, Entries=[{"Id": str(number), "MessageBody": f"body {number}"} for number in range(4)]
    )
    return url


def received(queues: SQSClient, queue_url: str) -> list[Any]:
    return queues.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])


def entries(messages: list[Any]) -> list[Any]:
    return [
        {"Id": str(position), "ReceiptHandle": message["ReceiptHandle"]}
        for position, message in enumerate(messages)
    ]


def depth(direct: SQSClient, queue_url: str) -> tuple[int, int]:
    """Visible and hidden messages."""
    found = direct.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    return (
        int(found["ApproximateNumberOfMessages"]),
        int(found["ApproximateNumberOfMessagesNotVisible"]),
    )


def test_everything_passes_over_one_connection(proxy: TcpProxy, queue_url: str) -> None:
    queues = client(proxy.port)
    queues.send_message(QueueUrl=queue_url, MessageBody="x" * 300_000)
    messages = received(queues, queue_url)
    assert len(messages) == 5
    assert len(queues.delete_message_batch(QueueUrl=queue_url, Entries=entries(messages))["Successful"]) == 5
    assert proxy.connections == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (sqs.BROKEN, (500, "InternalFailure")),
        (sqs.UNAVAILABLE, (503, "ServiceUnavailable")),
        (sqs.THROTTLED, (400, "RequestThrottled")),
        (sqs.DENIED, (403, "AccessDeniedException")),
    ],
)
def test_chosen_actions_are_refused_as_aws_would(
    proxy: TcpProxy, direct: SQSClient, queue_url: str, answer: bytes, error: tuple[int, str]
) -> None:
    queues = client(proxy.port)
    with proxy.trap(sqs.DELETE, Answer(answer), times=None):
        messages = received(queues, queue_url)
        with pytest.raises(ClientError) as raised:
            queues.delete_message_batch(QueueUrl=queue_url, Entries=entries(messages))
        response = raised.value.response
        assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == error
        assert depth(direct, queue_url) == (0, 4)
    assert queues.delete_message_batch(QueueUrl=queue_url, Entries=entries(messages))["Successful"]


def test_a_lost_receive_answer_hides_messages_that_nobody_has(
    proxy: TcpProxy, direct: SQSClient, queue_url: str
) -> None:
    with proxy.trap(sqs.RECEIVE, LoseReply()), pytest.raises((ConnectionClosedError, NoAnswer)):
        received(client(proxy.port), queue_url)
    assert depth(direct, queue_url) == (0, 4)


def test_a_lost_delete_answer_leaves_them_deleted(proxy: TcpProxy, direct: SQSClient, queue_url: str) -> None:
    queues = client(proxy.port)
    messages = received(queues, queue_url)
    with proxy.trap(sqs.DELETE, LoseReply()), pytest.raises((ConnectionClosedError, NoAnswer)):
        queues.delete_message_batch(QueueUrl=queue_url, Entries=entries(messages))
    assert depth(direct, queue_url) == (0, 0)


def test_a_delete_that_is_cut_in_the_middle_deletes_nothing(
    proxy: TcpProxy, direct: SQSClient, queue_url: str
) -> None:
    queues = client(proxy.port)
    messages = received(queues, queue_url)
    with proxy.trap(sqs.DELETE, CutRequest()), pytest.raises((ConnectionClosedError, NoAnswer)):
        queues.delete_message_batch(QueueUrl=queue_url, Entries=entries(messages))
    assert depth(direct, queue_url) == (0, 4)


def test_of_a_delete_with_spoiled_handles_every_second_fails(
    proxy: TcpProxy, direct: SQSClient, queue_url: str
) -> None:
    queues = client(proxy.port)
    messages = received(queues, queue_url)
    with proxy.trap(sqs.DELETE, Edit(sqs.spoil_handles)):
        response = queues.delete_message_batch(QueueUrl=queue_url, Entries=entries(messages))
    assert [entry["Id"] for entry in response["Successful"]] == ["0", "2"]
    assert [entry["Id"] for entry in response["Failed"]] == ["1", "3"]
    assert depth(direct, queue_url) == (0, 2)
