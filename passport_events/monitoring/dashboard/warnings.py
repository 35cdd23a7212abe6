"""What needs attention: one sentence each, and why the numbers may be old. Pure."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from datetime import timedelta

from passport_events.monitoring.dashboard.values import Dashboard, Queue
from passport_events.operating.text import format_duration

MOST_MINUTES_OLD = 5
"""A minute is counted within seconds of its end, if anybody counts at all."""
SHORT_OF_TIME = 24 * 3600
"""Seconds before SQS forgets a dead letter."""


class ConcernCode(enum.StrEnum):
    """Everything that the dashboard can say, once."""

    FORGOTTEN_SOON = "forgotten_soon"
    DEAD_LETTER_QUEUE = "dead_letter_queue"
    NOT_SAMPLED = "not_sampled"
    SAMPLE_OLD = "sample_old"
    NOT_COUNTED = "not_counted"
    COUNT_OLD = "count_old"
    NO_POLLER = "no_poller"
    REDIS_AWAY = "redis_away"
    NO_WORKER = "no_worker"
    ORGANIZATION_SILENT = "organization_silent"


@dataclasses.dataclass(frozen=True, slots=True)
class Concern:
    """One sentence, and what it is about."""

    code: ConcernCode
    text: str


def concerns(dashboard: Dashboard) -> Iterator[Concern]:
    """The worst first."""
    for queue in dashboard.queues:
        if queue.is_configured:
            yield from _of_queue(queue)
    yield from _of_counting(dashboard)
    if not any(each.kind == "poller" and not each.is_late for each in dashboard.processes):
        yield Concern(
            ConcernCode.NO_POLLER, "No poller runs: nothing is received. Start one: manage.py poll_sqs."
        )
    yield from _of_workers(dashboard)
    for window in dashboard.outages:
        if window.ended_at is None and not window.is_off:
            who = window.organization_name or window.organization
            text = f"No heartbeat of {who} came for {_span(window.lasted)}: its events may be missing."
            yield Concern(ConcernCode.ORGANIZATION_SILENT, text)


def _of_queue(queue: Queue) -> Iterator[Concern]:
    is_old = queue.sample_age is not None and queue.sample_age > MOST_MINUTES_OLD * 60
    if queue.is_dead_letters and queue.time_left is not None and queue.time_left < SHORT_OF_TIME:
        when = f"in {_span(queue.time_left)}" if queue.time_left > 0 else "by now"
        text = f"SQS forgets the first dead letter of {queue.name} {when}. Is passport ingest-dlq running?"
        yield Concern(ConcernCode.FORGOTTEN_SOON, text)
    elif queue.is_dead_letters and queue.depth and not is_old:
        text = f"{queue.depth:,} messages are in {queue.name}. Is passport ingest-dlq running?"
        yield Concern(ConcernCode.DEAD_LETTER_QUEUE, text)
    asks = "passport ingest-dlq" if queue.is_dead_letters else "poll_sqs"
    if queue.sample_age is None:
        yield Concern(ConcernCode.NOT_SAMPLED, f"There is no sample of {queue.name} yet: {asks} takes them.")
    elif is_old:
        old = _span(queue.sample_age or 0)
        text = f"The sample of {queue.name} is {old} old: {asks} takes one a minute while it runs."
        yield Concern(ConcernCode.SAMPLE_OLD, text)


def _of_counting(dashboard: Dashboard) -> Iterator[Concern]:
    counters = "pollers, workers and dispatch_messages count"
    if dashboard.counted_until is None:
        yield Concern(ConcernCode.NOT_COUNTED, f"No minute is counted yet: {counters} while they run.")
        return
    age = (dashboard.taken_at - dashboard.counted_until).total_seconds()
    if age > MOST_MINUTES_OLD * 60:
        text = f"The last minute that is counted ended {_span(age)} ago: {counters} while they run."
        yield Concern(ConcernCode.COUNT_OLD, text)


def _of_workers(dashboard: Dashboard) -> Iterator[Concern]:
    if dashboard.redis_problem:
        text = f"{dashboard.redis_problem} Messages wait in the database until it is back."
        yield Concern(ConcernCode.REDIS_AWAY, text)
        return
    served = {name for each in dashboard.processes if not each.is_late for name in each.queues}
    for name in dashboard.rq_queues:
        if name not in served:
            text = f"No worker listens to {name}: its messages wait. Start one: manage.py rqworker {name}."
            yield Concern(ConcernCode.NO_WORKER, text)


def _span(number: float) -> str:
    return format_duration(timedelta(seconds=number))
