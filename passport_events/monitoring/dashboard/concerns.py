"""What somebody should look at first: one sentence each, and why the numbers may be old. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from passport_events.monitoring.dashboard.values import Dashboard, Queue
from passport_events.operating.text import seconds

MOST_MINUTES_OLD = 5
"""A minute is counted within seconds of its end, if anybody counts at all."""
SHORT_OF_TIME = 24 * 3600
"""Seconds before SQS forgets a dead letter."""


def concerns(dashboard: Dashboard) -> Iterator[str]:
    """The worst first."""
    for queue in dashboard.queues:
        yield from _of_queue(queue)
    yield from _of_counting(dashboard)
    if not any(each.kind == "poller" and not each.is_late for each in dashboard.processes):
        yield "No poller lives: nothing is received. Start one: manage.py poll_sqs."
    if dashboard.redis_problem:
        yield f"{dashboard.redis_problem} Messages wait in the database until it is back."
    elif not any(each.kind == "worker" for each in dashboard.processes):
        yield "No worker listens: nothing is handled. Start one: manage.py rqworker."
    for window in dashboard.outages:
        if window.ended_at is None:
            who = window.organization_name or window.organization
            yield f"No heartbeat of {who} came for {_span(window.lasted)}: its events may be missing."


def _of_queue(queue: Queue) -> Iterator[str]:
    if queue.is_dead_letters and queue.time_left is not None and queue.time_left < SHORT_OF_TIME:
        left = _span(max(0.0, queue.time_left))
        yield f"SQS forgets the first dead letter of {queue.name} in {left}. Is passport ingest-dlq running?"
    elif queue.is_dead_letters and queue.depth:
        yield f"{queue.depth:,} messages are in {queue.name}. Is passport ingest-dlq running?"
    asks = "passport ingest-dlq" if queue.is_dead_letters else "poll_sqs"
    if queue.sample_age is None:
        yield f"Nobody has sampled {queue.name} yet: {asks} does."
    elif queue.sample_age > MOST_MINUTES_OLD * 60:
        old = _span(queue.sample_age)
        yield f"What is said of {queue.name} is {old} old: {asks} samples it while it runs."


def _of_counting(dashboard: Dashboard) -> Iterator[str]:
    counters = "pollers, workers and dispatch_messages count"
    if dashboard.counted_until is None:
        yield f"No minute is counted yet: {counters} while they run."
        return
    age = (dashboard.taken_at - dashboard.counted_until).total_seconds()
    if age > MOST_MINUTES_OLD * 60:
        yield f"The last minute that is counted ended {_span(age)} ago: {counters} while they run."


def _span(number: float) -> str:
    return seconds(timedelta(seconds=number))
