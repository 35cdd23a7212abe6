"""Warnings of the dashboard: what needs attention, and why figures may be old. Pure."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext

from passport_events.monitoring.dashboard.values import Dashboard, QueueRow
from passport_events.operating.text import format_duration

MAX_AGE_MINUTES = 5
"""A minute is counted within seconds of its end, if anybody counts at all."""
MIN_TIME_LEFT_SECONDS = 24 * 3600
"""Seconds before SQS forgets a dead letter."""


class WarningCode(enum.StrEnum):
    """Every warning that the dashboard can show."""

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
class DashboardWarning:
    """One sentence, and its code."""

    code: WarningCode
    text: str


def find_warnings(dashboard: Dashboard) -> Iterator[DashboardWarning]:
    """Yield warnings, the most urgent first."""
    for queue in dashboard.queues:
        if queue.is_configured:
            yield from _check_queue(queue)
    yield from _check_counting(dashboard)
    if not any(each.kind == "poller" and not each.is_late for each in dashboard.processes):
        text = gettext("No poller runs, so no messages are received. Start one: manage.py poll_sqs.")
        yield DashboardWarning(WarningCode.NO_POLLER, text)
    yield from _check_workers(dashboard)
    for outage in dashboard.outages:
        if outage.ended_at is None and not outage.is_off:
            text = gettext("No heartbeat of %(name)s for %(time)s: its events may be missing.") % {
                "name": outage.organization_name or outage.organization,
                "time": _format_seconds(outage.lasted),
            }
            yield DashboardWarning(WarningCode.ORGANIZATION_SILENT, text)


def _check_queue(queue: QueueRow) -> Iterator[DashboardWarning]:
    names = {"queue": queue.name, "command": "passport ingest-dlq" if queue.is_dead_letters else "poll_sqs"}
    is_old = queue.sample_age is not None and queue.sample_age > MAX_AGE_MINUTES * 60
    left = queue.expires_in_seconds
    if queue.is_dead_letters and left is not None and left < MIN_TIME_LEFT_SECONDS:
        if left > 0:
            text = gettext(
                "SQS deletes the oldest message of %(queue)s in %(time)s. Is passport ingest-dlq running?"
            )
        else:
            text = gettext(
                "SQS has deleted the oldest message of %(queue)s by now. Is passport ingest-dlq running?"
            )
        text %= {**names, "time": _format_seconds(left)}
        yield DashboardWarning(WarningCode.FORGOTTEN_SOON, text)
    elif queue.is_dead_letters and queue.depth and not is_old:
        text = gettext("%(count)s messages are in %(queue)s. Is passport ingest-dlq running?")
        yield DashboardWarning(WarningCode.DEAD_LETTER_QUEUE, text % {**names, "count": f"{queue.depth:,}"})
    if queue.sample_age is None:
        text = gettext("No metrics for %(queue)s yet. %(command)s reads them every minute.")
        yield DashboardWarning(WarningCode.NOT_SAMPLED, text % names)
    elif is_old:
        text = gettext(
            "Metrics for %(queue)s are %(time)s old. %(command)s reads them every minute while it runs."
        )
        text %= {**names, "time": _format_seconds(queue.sample_age or 0)}
        yield DashboardWarning(WarningCode.SAMPLE_OLD, text)


def _check_counting(dashboard: Dashboard) -> Iterator[DashboardWarning]:
    who = gettext("Pollers, workers and dispatch_messages count while they run.")
    if dashboard.counted_until is None:
        yield DashboardWarning(WarningCode.NOT_COUNTED, gettext("No minute is counted yet.") + " " + who)
        return
    age = (dashboard.taken_at - dashboard.counted_until).total_seconds()
    if age > MAX_AGE_MINUTES * 60:
        text = gettext("The last counted minute ended %(time)s ago.") % {"time": _format_seconds(age)}
        yield DashboardWarning(WarningCode.COUNT_OLD, f"{text} {who}")


def _check_workers(dashboard: Dashboard) -> Iterator[DashboardWarning]:
    if dashboard.redis_problem:
        text = gettext("Messages wait in the database until Redis is back.")
        yield DashboardWarning(WarningCode.REDIS_AWAY, f"{dashboard.redis_problem} {text}")
        return
    served = {name for each in dashboard.processes if not each.is_late for name in each.queues}
    for name in dashboard.rq_queues:
        if name not in served:
            text = gettext(
                "No worker listens to %(queue)s: its messages wait. Start one: manage.py rqworker %(queue)s."
            )
            yield DashboardWarning(WarningCode.NO_WORKER, text % {"queue": name})


def _format_seconds(number: float) -> str:
    return format_duration(timedelta(seconds=number))
