"""More of the same: duplicates at once, and duplicates of long ago."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault
from tests.chaos.faults import aim
from tests.chaos.faults.queue import BATCH, send_all, take

COPIES = 10


def multiply(cluster: Cluster, random: Random) -> int:
    """Ten copies of what is new, in every order, so that all pollers store the same events at once."""
    queues = cluster.queues()
    for _ in range(3):
        messages = list(take(queues, cluster.queue_url))
        for copy in range(COPIES if messages else 0):
            send_all(queues, cluster.queue_url, messages if copy % 2 else messages[::-1])
        for message in messages:
            queues.change_message_visibility(
                QueueUrl=cluster.queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        cluster.wait(random.uniform(0.1, 0.5))
    return 0


def repeat(cluster: Cluster, random: Random) -> int:
    """Deliveries of any age come again, as when a relay replays three days."""
    with aim.database(cluster) as database:
        (newest,) = database.execute(
            "SELECT coalesce(max(id), 0) FROM passport_events_delivery"
        ).fetchone() or (0,)
        wanted = sorted({random.randint(1, max(1, newest)) for _ in range(200)})
        rows = database.execute("SELECT body FROM passport_events_delivery WHERE id = ANY(%s)", (wanted,))
        messages = [{"Body": bytes(body).decode()} for (body,) in rows if body is not None]
    random.shuffle(messages)
    queues = cluster.queues()
    for batch in _in_tens(messages):
        send_all(queues, cluster.queue_url, batch)
    return 0


def _in_tens(messages: Sequence[Any]) -> list[Sequence[Any]]:
    return [messages[start : start + BATCH] for start in range(0, len(messages), BATCH)]


FAULTS = (
    Fault(
        "new messages come eleven times at once, in two orders",
        "traffic",
        multiply,
        weight=2,
        scenarios=(9, 27),
    ),
    Fault("two hundred messages of any age come again", "traffic", repeat, scenarios=(27, 28)),
)
