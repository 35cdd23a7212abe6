"""dramatiq-sqs: its own envelope, its own receives and deletes."""

from __future__ import annotations

import django
import dramatiq
from dramatiq_sqs import SQSBroker

from benchmarks.throughput.peers import place

django.setup()
# Thirty seconds, as everybody else; its default is twelve hours.
dramatiq.set_broker(
    SQSBroker(endpoint_url=place.ENDPOINT_URL, region_name=place.REGION, visibility_timeout=30)
)

from benchmarks.throughput.peers import work  # noqa: E402  # needs Django


@dramatiq.actor(queue_name=place.QUEUE, actor_name="handle")
def handle(body: str) -> None:
    """One event."""
    work.handle(body)
