"""The loop people write by hand: one message, one lookup, one row, one job, one delete."""

from __future__ import annotations

import atexit
import os
import time
from pathlib import Path

import django
import django_rq

from benchmarks.throughput.peers import place, queue
from benchmarks.throughput.peers.change import read


def main() -> None:
    """Poll until ended."""
    django.setup()
    from benchmarks.throughput.peers.models import Event, Organization  # noqa: PLC0415  # after setup
    from benchmarks.throughput.peers.naive_job import process_event  # noqa: PLC0415  # the same

    queue.end_on_sigterm()
    sqs = queue.client()
    milliseconds: list[float] = []
    if path := os.environ.get("PASSPORT_BENCH_POLLS"):
        lines = (f"{each:.3f}\n" for each in milliseconds)
        atexit.register(lambda: Path(path).write_text("".join(lines)))
    while True:
        for message in queue.receive(sqs, limit=1):
            received_at = time.perf_counter()
            change = read(message["Body"])
            organization = Organization.objects.get(salesforce_id=change.organization)
            event, is_new = Event.objects.get_or_create(
                key=change.key,
                defaults={
                    "organization": organization,
                    "record_id": change.record_id,
                    "body": change.body,
                },
            )
            if is_new:
                django_rq.enqueue(process_event, event.pk)
            sqs.delete_message(QueueUrl=place.QUEUE_URL, ReceiptHandle=message["ReceiptHandle"])
            milliseconds.append((time.perf_counter() - received_at) * 1000)


if __name__ == "__main__":
    main()
