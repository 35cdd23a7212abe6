"""django-tasks-sqs: a task, in its own envelope. Needs Django 6 and Python 3.12."""

from __future__ import annotations

from django.tasks import task

from benchmarks.throughput.peers import place, work


@task(queue_name=place.QUEUE)
def handle(body: str) -> None:
    """One event."""
    work.handle(body)
