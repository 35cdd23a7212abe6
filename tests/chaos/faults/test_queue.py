"""What SQS answers while something is wrong with it, and what is in the queue afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from project.embedded import LOOPBACK
from tests.chaos.faults import seed
from tests.chaos.faults.watched import Watched
from tests.chaos.producer import client

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

pytestmark = pytest.mark.postgresql

EVENTS = range(1_000, 1_006)


@pytest.fixture
def direct(servers: Watched) -> Iterator[SQSClient]:
    """The queue has six messages."""
    queues = servers.queues()
    queues.purge_queue(QueueUrl=servers.queue_url)
    servers.publish(EVENTS)
    yield queues
    queues.purge_queue(QueueUrl=servers.queue_url)


@pytest.fixture
def behind(servers: Watched) -> SQSClient:
    """A client behind the proxy, which asks once."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, proxies={})
    endpoint = f"http://{LOOPBACK}:{servers.proxies['sqs'].port}"
    return boto3.session.Session().client(
        "sqs", endpoint_url=endpoint, region_name="us-east-1", config=config
    )


def take(servers: Watched, queues: SQSClient) -> list[Any]:
    return queues.receive_message(QueueUrl=servers.queue_url, MaxNumberOfMessages=10).get("Messages", [])


def delete(servers: Watched, queues: SQSClient, messages: list[Any]) -> tuple[int, int]:
    """How many went, and how many did not."""
    entries: Any = [
        {"Id": str(position), "ReceiptHandle": message["ReceiptHandle"]}
        for position, message in enumerate(messages)
    ]
    answer = queues.delete_message_batch(QueueUrl=servers.queue_url, Entries=entries)
    return len(answer.get("Successful", [])), len(answer.get("Failed", []))


def says(what: Callable[[], object]) -> str:
    """AWS's code for the error, its class where the answer was none, or `fine`."""
    try:
        what()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except BotoCoreError as error:
        return type(error).__name__
    return "fine"


def depth(servers: Watched, queues: SQSClient) -> int:
    found = queues.get_queue_attributes(QueueUrl=servers.queue_url, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def test_a_restart_keeps_every_message(servers: Watched, direct: SQSClient) -> None:
    seen = servers.during("SQS is restarted", lambda: says(lambda: take(servers, direct)))
    assert seen == ["EndpointConnectionError"]
    assert len(take(servers, direct)) == len(EVENTS)


@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        ("SQS answers 500 to every receive", ("InternalFailure", "fine")),
        ("SQS throttles every request", ("RequestThrottled", "RequestThrottled")),
        ("the right to delete is revoked", ("fine", "AccessDeniedException")),
        ("every right to the queue is revoked", ("AccessDeniedException", "AccessDeniedException")),
    ],
)
def test_requests_are_refused_and_then_granted(
    servers: Watched, direct: SQSClient, behind: SQSClient, fault: str, answers: tuple[str, str]
) -> None:
    """To a receive and to a delete."""
    messages = take(servers, direct)
    seen = servers.during(
        fault,
        lambda: (
            says(lambda: take(servers, behind)),
            says(lambda: delete(servers, behind, messages[:1])),
        ),
    )
    assert seen == [answers]
    assert delete(servers, behind, messages[1:]) == (len(EVENTS) - 1, 0)


def test_errors_come_and_go(servers: Watched, direct: SQSClient, behind: SQSClient) -> None:
    seen = servers.during(
        "SQS answers with errors now and then",
        lambda: [says(lambda: depth(servers, behind)) for _ in range(4)],
    )
    assert all(answers[0] != "fine" and answers[-1] == "fine" for answers in seen)
    assert len({answers[0] for answers in seen}) > 1


def test_half_of_a_delete_fails(servers: Watched, direct: SQSClient, behind: SQSClient) -> None:
    messages = take(servers, direct)
    seen = servers.during("every second delete of a batch fails", lambda: delete(servers, behind, messages))
    assert seen == [(len(EVENTS) // 2, len(EVENTS) // 2)]
    assert depth(servers, direct) == len(EVENTS) // 2


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("the answer to a delete is lost", 0),
        ("a delete breaks off in the middle", len(EVENTS)),
    ],
)
def test_a_delete_is_in_doubt(
    servers: Watched, direct: SQSClient, behind: SQSClient, fault: str, left: int
) -> None:
    messages = take(servers, direct)
    answers: list[str] = []
    asking = servers.ask_in_time(
        "sqs", lambda: answers.append(says(lambda: delete(servers, behind, messages)))
    )
    servers.inject(fault)
    asking.join()
    assert answers != ["fine"]
    assert depth(servers, direct) == left


def test_what_was_received_is_nobodys(servers: Watched, direct: SQSClient, behind: SQSClient) -> None:
    answers: list[str] = []
    asking = servers.ask_in_time("sqs", lambda: answers.append(says(lambda: take(servers, behind))))
    servers.inject("the answer to a receive is lost")
    asking.join()
    assert answers != ["fine"]
    assert take(servers, direct) == []
    assert depth(servers, direct) == len(EVENTS)


def test_what_was_published_is_there_and_its_publisher_does_not_know(
    servers: Watched, direct: SQSClient
) -> None:
    sns = client(f"http://{LOOPBACK}:{servers.proxies['sqs'].port}")

    def publish() -> str:
        entries: Any = [{"Id": "0", "Message": seed.event(3_000)}]
        return says(lambda: sns.publish_batch(TopicArn=servers.topic_arn, PublishBatchRequestEntries=entries))

    answers: list[str] = []
    asking = servers.ask_in_time("sqs", lambda: answers.append(publish()))
    servers.inject("the answer to a publish is lost")
    asking.join()
    assert answers == ["ConnectionClosedError"]
    assert depth(servers, direct) == len(EVENTS) + 1
    assert publish() == "fine"


def test_a_redrive_changes_the_ids_and_nothing_else(servers: Watched, direct: SQSClient) -> None:
    def everything() -> dict[str, str]:
        found = take(servers, direct)
        for message in found:
            direct.change_message_visibility(
                QueueUrl=servers.queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return {message["Body"]: message["MessageId"] for message in found}

    before = everything()
    assert servers.during("the queue is redriven under new message ids", everything) == [{}]
    after = everything()
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert len(direct.list_queues()["QueueUrls"]) == 2


def test_new_messages_come_eleven_times(servers: Watched, direct: SQSClient) -> None:
    servers.inject("new messages come eleven times at once, in two orders")
    bodies = [message["Body"] for _ in range(20) for message in take(servers, direct)]
    assert len(set(bodies)) == len(EVENTS)
    assert all(bodies.count(body) >= 11 for body in set(bodies))


def test_old_messages_come_again(servers: Watched, direct: SQSClient) -> None:
    direct.purge_queue(QueueUrl=servers.queue_url)
    servers.inject("two hundred messages of any age come again")
    with servers.database() as connection:
        stored = {
            bytes(body).decode()
            for (body,) in connection.execute("SELECT body FROM passport_events_delivery")
        }
    bodies = [message["Body"] for _ in range(10) for message in take(servers, direct)]
    assert bodies
    assert set(bodies) <= stored
