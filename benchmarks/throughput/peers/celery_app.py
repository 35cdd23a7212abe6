"""Celery fed by a poller. Its connection to the database is kept, which is not its default."""

from __future__ import annotations

import django
from celery import Celery

from benchmarks.throughput.peers import place, queue

django.setup()
app = Celery("bench", broker=place.REDIS_URL)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,  # else a worker that dies loses what it has
    task_compression=None,
    worker_prefetch_multiplier=64,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    # By default Celery closes the connection around every task; this costs it half of its speed.
    CELERY_DB_REUSE_MAX=1_000_000,
)


@app.task(name="handle")
def handle(body: str) -> None:
    """One event."""
    from benchmarks.throughput.peers import work  # noqa: PLC0415  # the poller needs no models

    work.handle(body)


def main() -> None:
    """Poll until ended: ten at a time, each a task, then one batch of deletes."""
    queue.end_on_sigterm()
    sqs = queue.client()
    with app.producer_pool.acquire(block=True) as producer:
        while True:
            messages = queue.receive(sqs, limit=10)
            for message in messages:
                handle.apply_async((message["Body"],), producer=producer)
            if messages:
                queue.delete(sqs, messages)


if __name__ == "__main__":
    main()
