"""SQS and what stands before it: restarts, errors, lost answers, revoked rights, a redrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults.aim import PATIENCE_SECONDS
from tests.chaos.proxy import Answer, CutRequest, Edit, LoseReply, sqs
from tests.chaos.proxy.traps import Action

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

BATCH = 10
HIDDEN_SECONDS = 60
"""So long nobody else sees what a fault has received and not sent on yet."""


def restart(cluster: Cluster, random: Random) -> int:
    """SQS is away for a moment, and keeps what it has."""
    try:
        cluster.sqs.stop()
        cluster.wait(random.uniform(0, 2))
    finally:
        cluster.sqs.start()
    return 0


def _while_it_lasts(pattern: bytes, action: Action, least: float, most: float) -> Inject:
    """Every request that matches, for some seconds."""

    def inject(cluster: Cluster, random: Random) -> int:
        with cluster.proxies["sqs"].trap(pattern, action, times=None):
            cluster.wait(random.uniform(least, most))
        return 0

    return inject


def _at(pattern: bytes, action: Action, times: int) -> Inject:
    """The next requests that match."""

    def inject(cluster: Cluster, random: Random) -> int:
        with cluster.proxies["sqs"].trap(pattern, action, times=times) as trap:
            trap.wait(PATIENCE_SECONDS)
            cluster.wait(random.uniform(0.5, 2))
        return 0

    return inject


def flicker(cluster: Cluster, random: Random) -> int:
    """Now and then an answer that AWS gives on a bad day, for whatever was asked."""
    for _ in range(6):
        answer = random.choice((sqs.BROKEN, sqs.UNAVAILABLE, sqs.THROTTLED))
        with cluster.proxies["sqs"].trap(sqs.ANY, Answer(answer), times=random.randint(1, 3)):
            cluster.wait(random.uniform(0.2, 0.6))
    return 0


def redrive(cluster: Cluster, random: Random) -> int:
    """What waits is moved aside and back while everybody works: AWS gives each message a new MessageId.

    Through a queue of its own, so that it hides nothing which SQS itself has given up.
    """
    queues = cluster.queues()
    with _queue(queues, f"redrive-{random.getrandbits(32):08x}") as aside:
        try:
            moved = sum(_move(queues, cluster.queue_url, aside) for _ in range(random.randint(2, 6)))
            cluster.wait(random.uniform(0.5, 1.5))
        finally:
            while moved > 0:
                moved -= _move(queues, aside, cluster.queue_url) or moved
    return 0


@contextmanager
def _queue(queues: SQSClient, name: str) -> Iterator[str]:
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    try:
        yield url
    finally:
        queues.delete_queue(QueueUrl=url)


def _move(queues: SQSClient, source: str, target: str) -> int:
    """Up to ten messages. Sent before they are deleted, so that nothing can be lost on the way."""
    messages = take(queues, source)
    if messages:
        send_all(queues, target, messages)
        entries = [
            {"Id": str(position), "ReceiptHandle": message["ReceiptHandle"]}
            for position, message in enumerate(messages)
        ]
        queues.delete_message_batch(QueueUrl=source, Entries=entries)  # type: ignore[arg-type]
    return len(messages)


def take(queues: SQSClient, url: str) -> Sequence[Any]:
    """Receive up to ten messages at once, without waiting for any."""
    received = queues.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=BATCH,
        VisibilityTimeout=HIDDEN_SECONDS,
        MessageAttributeNames=["All"],
    )
    return received.get("Messages", [])


def send_all(queues: SQSClient, url: str, messages: Sequence[Any]) -> None:
    """Send up to ten messages with their attributes. Raises when SQS does not take each of them."""
    entries = [
        {
            "Id": str(position),
            "MessageBody": message["Body"],
            "MessageAttributes": message.get("MessageAttributes", {}),
        }
        for position, message in enumerate(messages)
    ]
    refused = queues.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")  # type: ignore[arg-type]
    if refused:
        raise RuntimeError(f"SQS does not take what it gave: {refused}")


FAULTS = (
    Fault("SQS is restarted", "queue", restart, scenarios=(38,)),
    Fault(
        "SQS answers 500 to every receive",
        "queue",
        _while_it_lasts(sqs.RECEIVE, Answer(sqs.BROKEN), 1, 4),
        scenarios=(38,),
    ),
    Fault("SQS answers with errors now and then", "queue", flicker, weight=2, scenarios=(38,)),
    Fault(
        "SQS throttles every request",
        "queue",
        _while_it_lasts(sqs.ANY, Answer(sqs.THROTTLED), 1, 4),
        scenarios=(38,),
    ),
    Fault(
        "the right to delete is revoked",
        "queue",
        _while_it_lasts(sqs.DELETE, Answer(sqs.DENIED), 2, 5),
        scenarios=(6, 40),
    ),
    Fault(
        "every right to the queue is revoked",
        "queue",
        _while_it_lasts(sqs.ANY, Answer(sqs.DENIED), 1, 4),
        scenarios=(40,),
    ),
    Fault(
        "every second delete of a batch fails",
        "queue",
        _while_it_lasts(sqs.DELETE, Edit(sqs.spoil_handles), 2, 5),
        weight=2,
        scenarios=(6,),
    ),
    Fault(
        "the answer to a receive is lost",
        "queue",
        _at(sqs.RECEIVE, LoseReply(), 3),
        weight=2,
        scenarios=(1, 38),
    ),
    Fault(
        "the answer to a delete is lost", "queue", _at(sqs.DELETE, LoseReply(), 3), weight=2, scenarios=(6,)
    ),
    Fault(
        "the answer to a publish is lost",
        "queue",
        _at(sqs.PUBLISH, LoseReply(), 3),
        weight=2,
        scenarios=(27, 38),
    ),
    Fault("a delete breaks off in the middle", "queue", _at(sqs.DELETE, CutRequest(), 3), scenarios=(6,)),
    Fault("the queue is redriven under new message ids", "queue", redrive, weight=2, scenarios=(29,)),
)
