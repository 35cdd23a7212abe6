"""The stub answers as an emulator does, wherever a contender asks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from benchmarks.throughput.stub.server import SqsStub
from project.embedded import SqsEmulator

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

BODIES = ["plain", '{"quoted": "\\"deep\\""}', "Zoë 学生 🎓", "x" * 3_000]
DIFFERENT = {"MessageId", "ReceiptHandle", "SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId"}
"""What every server makes up by itself."""


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[SQSClient, SQSClient]]:
    with SqsStub() as stub, SqsEmulator() as emulator:
        yield _client(stub.endpoint_url), _client(emulator.endpoint_url)


def _client(endpoint_url: str) -> SQSClient:
    return boto3.session.Session().client("sqs", endpoint_url=endpoint_url, region_name="us-east-1")


def both(clients: tuple[SQSClient, SQSClient], name: str, story: Any) -> list[Any]:
    """Tell both the same story, and return what the stub and the emulator answered, made comparable."""
    told = []
    for client in clients:
        url = client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
        told.append(_comparable(story(client, url)))
    assert told[0] == told[1]
    return told[0]  # type: ignore[no-any-return]


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: _comparable(v)
            for k, v in value.items()
            if k not in DIFFERENT | {"ResponseMetadata"} and v != []
        }
    return [_comparable(each) for each in value] if isinstance(value, list) else value


def _send(client: SQSClient, url: str, bodies: list[str]) -> Any:
    entries: Any = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    return client.send_message_batch(QueueUrl=url, Entries=entries)


def _take(client: SQSClient, url: str, limit: int = 10, **more: Any) -> Any:
    return client.receive_message(QueueUrl=url, MaxNumberOfMessages=limit, **more).get("Messages", [])


def _code(call: Any) -> str:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


def test_what_is_sent_is_received_byte_by_byte(clients: tuple[SQSClient, SQSClient]) -> None:
    def story(client: SQSClient, url: str) -> Any:
        sent = [_send(client, url, BODIES), client.send_message(QueueUrl=url, MessageBody="one more")]
        return [sent, _take(client, url, AttributeNames=["All"]), _take(client, url)]

    _, received, again = both(clients, "sent", story)
    assert [message["Body"] for message in received] == [*BODIES, "one more"]
    assert again == []


def test_only_the_attributes_that_are_asked_for_are_told(clients: tuple[SQSClient, SQSClient]) -> None:
    def story(client: SQSClient, url: str) -> Any:
        _send(client, url, BODIES)
        return [
            _take(client, url, 1),
            _take(client, url, 1, MessageSystemAttributeNames=["ApproximateReceiveCount"]),
            sorted(_take(client, url, 1, MessageSystemAttributeNames=["All"])[0]["Attributes"]),
        ]

    assert "ApproximateReceiveCount" in both(clients, "asked", story)[2]


def test_what_is_not_deleted_comes_again_and_what_is_deleted_does_not(
    clients: tuple[SQSClient, SQSClient],
) -> None:
    def story(client: SQSClient, url: str) -> Any:
        _send(client, url, BODIES)
        first = _take(client, url, 4, VisibilityTimeout=1, AttributeNames=["ApproximateReceiveCount"])
        entries: Any = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(first[:3])]
        deleted = client.delete_message_batch(QueueUrl=url, Entries=entries)
        # The long poll lasts until the message comes back.
        again = _take(client, url, WaitTimeSeconds=10, AttributeNames=["ApproximateReceiveCount"])
        stale = _code(lambda: client.delete_message(QueueUrl=url, ReceiptHandle=first[3]["ReceiptHandle"]))
        client.delete_message(QueueUrl=url, ReceiptHandle=again[0]["ReceiptHandle"])
        left = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return [deleted, again, stale, left]

    _, again, stale, _ = both(clients, "again", story)
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in again] == ["2"]
    assert stale == "ReceiptHandleIsInvalid"


def test_a_message_that_is_given_back_comes_at_once(clients: tuple[SQSClient, SQSClient]) -> None:
    def story(client: SQSClient, url: str) -> Any:
        _send(client, url, BODIES[:2])
        one, two = _take(client, url)
        client.change_message_visibility(
            QueueUrl=url, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=0
        )
        entry: Any = {"Id": "a", "ReceiptHandle": two["ReceiptHandle"], "VisibilityTimeout": 0}
        changed = client.change_message_visibility_batch(QueueUrl=url, Entries=[entry])
        return [changed, _take(client, url, WaitTimeSeconds=5)]

    assert len(both(clients, "back", story)[1]) == 2


def test_a_wrong_handle_in_a_batch_fails_alone(clients: tuple[SQSClient, SQSClient]) -> None:
    def story(client: SQSClient, url: str) -> Any:
        _send(client, url, BODIES[:1])
        handle = _take(client, url)[0]["ReceiptHandle"]
        entries: Any = [{"Id": "good", "ReceiptHandle": handle}, {"Id": "bad", "ReceiptHandle": "nobody's"}]
        answer = client.delete_message_batch(QueueUrl=url, Entries=entries)
        failed = [(each["Id"], each["Code"], each["SenderFault"]) for each in answer["Failed"]]
        return [[each["Id"] for each in answer["Successful"]], failed]

    assert both(clients, "batch", story)[0] == ["good"]


def test_queues_are_found_by_name(clients: tuple[SQSClient, SQSClient]) -> None:
    def story(client: SQSClient, url: str) -> Any:
        missing = _code(lambda: client.get_queue_url(QueueName="nobody"))
        unknown = _code(lambda: client.receive_message(QueueUrl=f"{url}-not"))
        found = client.get_queue_url(QueueName="named")["QueueUrl"].rpartition("/")[2]
        listed = client.list_queues(QueueNamePrefix="named")["QueueUrls"]
        return [missing, unknown, found, [each.rpartition("/")[2] for each in listed]]

    assert both(clients, "named", story)[2] == "named"
