"""SQS's queues as they were last sampled. Three queries, and none to AWS."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from datetime import timedelta

from django.db.models import F, Max, Q
from django.utils.translation import gettext

from passport_events.conf import Settings
from passport_events.monitoring.dashboard.time_ranges import Moment, TimeRange
from passport_events.monitoring.dashboard.values import Chart, QueueRow
from passport_events.monitoring.minutes import get_start
from passport_events.monitoring.models import QueueSample
from passport_events.wire.raw_delivery import parse_queue_name


def read_queues(settings: Settings, moment: Moment) -> list[QueueRow]:
    """Those of the settings, sampled or not, and others that were sampled: the queue of events first."""
    named = {parse_queue_name(settings.queue_url): False}
    named |= {parse_queue_name(url): True for url in settings.dead_letter_queue_urls}
    newest = QueueSample.objects.order_by().values_list("queue").annotate(Max("minute"))
    which = [Q(queue=queue, minute=minute) for queue, minute in newest]
    samples = {sample.queue: sample for sample in QueueSample.objects.filter(_match_any(which))}
    found = [
        _describe_queue(samples[name], moment)
        if name in samples
        else QueueRow(name=name, is_dead_letters=is_dead)
        for name, is_dead in named.items()
    ]
    others = [_describe_queue(sample, moment) for name, sample in samples.items() if name not in named]
    return found + [dataclasses.replace(other, is_configured=False) for other in others]


def _match_any(conditions: list[Q]) -> Q:
    found = Q(pk=None)
    for condition in conditions:
        found |= condition
    return found


def _describe_queue(sample: QueueSample, moment: Moment) -> QueueRow:
    sampled_at = get_start(sample.minute)
    expires_at = None
    if sample.oldest_seconds is not None and sample.depth + sample.in_flight:
        left = timedelta(seconds=sample.retention_seconds - sample.oldest_seconds)
        expires_at = sampled_at + left
    return QueueRow(
        name=sample.queue,
        is_dead_letters=sample.is_dead_letters,
        sampled_at=sampled_at,
        sample_age=moment.age(sampled_at),
        depth=sample.depth,
        in_flight=sample.in_flight,
        delayed=sample.delayed,
        oldest_age=sample.oldest_seconds,
        retention=sample.retention_seconds,
        first_expires_at=expires_at,
        expires_in_seconds=None if expires_at is None else (expires_at - moment.now).total_seconds(),
    )


def build_charts(of: TimeRange, last_minute: int) -> list[Chart]:
    """Depth and age of each queue over time, the highest of each point."""
    starts = of.starts(last_minute)
    samples = QueueSample.objects.filter(minute__gte=starts[0]).order_by()
    peaks = (
        samples.annotate(point=F("minute") / of.span)
        .values_list("queue", "point")
        .annotate(Max("depth"), Max("in_flight"), Max("oldest_seconds"))
    )
    found: dict[str, dict[int, tuple[float | None, ...]]] = defaultdict(dict)
    for queue, point, depth, in_flight, oldest in peaks:
        found[queue][point * of.span] = (depth, in_flight, oldest)
    names = sorted(found)
    nothing = (None, None, None)

    def chart(id_: str, title: str, unit: str, labels: list[str], columns: tuple[int, ...]) -> Chart:
        points = [
            (start * 60, [found[name].get(start, nothing)[column] for name in names for column in columns])
            for start in starts
        ]
        return Chart(
            id=id_, title=title, unit=unit, labels=labels, points=points, is_duration=columns == (2,)
        )

    depths = [label for name in names for label in (name, gettext("%(queue)s, in flight") % {"queue": name})]
    return [
        chart("depth", gettext("Queue depth"), gettext("messages"), depths, (0, 1)),
        chart("oldest", gettext("Age of oldest message"), gettext("seconds"), names, (2,)),
    ]
