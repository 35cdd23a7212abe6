"""Depth of SQS's dead letter queues, from SQS or else from the samples of monitoring."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import Error

from passport_events import conf
from passport_events.aws_clients.queue_attributes import DEPTH, IN_FLIGHT, read_queue_attributes
from passport_events.exceptions import ConfigurationError, PassportEventsError, QueueUnavailable
from passport_events.operating import processes
from passport_events.operating.finding import Code, Finding, well
from passport_events.operating.text import seconds
from passport_events.wire.raw_delivery import queue_name

MAX_SAMPLE_AGE = timedelta(minutes=5)
"""An older sample says nothing about now."""


@dataclasses.dataclass(frozen=True, slots=True)
class Depth:
    """How many messages were in a queue, and how long ago."""

    messages: int
    age: timedelta = timedelta(0)


Sampled = Callable[[str], Depth | None]
"""Takes the name of a queue. Raises the database's errors."""

_samplers: list[Sampled] = []


def register_samples(sampled: Sampled) -> None:
    """Use `sampled` where SQS does not answer."""
    _samplers.append(sampled)


def assess_dead_letter_queues() -> Iterator[Finding]:
    """One finding for each queue of DEAD_LETTER_QUEUE_URLS. One call to SQS each, and no retry."""
    settings = conf.current()
    for url in settings.dead_letter_queue_urls:
        yield _assess(settings, url)


def _assess(settings: conf.Settings, url: str) -> Finding:
    name = queue_name(url)
    try:
        depth = _ask(settings, url)
    except (QueueUnavailable, ConfigurationError) as error:
        sampled = _sampled(name)
        if sampled is None:
            return _not_asked(name, error)
        depth = sampled
    when = f" {seconds(depth.age)} ago" if depth.age else ""
    if not depth.messages:
        return well(name, f"This dead letter queue{' was' if when else ' is'} empty{when}.")
    text = f"{depth.messages:,} messages {'were' if when else 'are'} in this dead letter queue{when}: "
    return Finding(name, Code.DEAD_LETTER_QUEUE, f"{text}they may never have been stored here.", _way_out())


def _not_asked(name: str, error: PassportEventsError) -> Finding:
    return Finding(
        name,
        Code.DEAD_LETTER_QUEUE_NOT_ASKED,
        f"The depth of this dead letter queue is not known: {error}.",
        "Allow sqs:GetQueueAttributes on it to the role that runs this, and see that DEAD_LETTER_QUEUE_URLS "
        "is right; or let passport ingest-dlq run with the app passport_events.monitoring, which samples it.",
    )


def _way_out() -> str:
    try:
        runs = processes.is_running("ingester")
    except Error:
        runs = False
    if runs:
        return "manage.py passport ingest-dlq runs and reads them in: if they stay, see its log."
    return "See why they were not received, then read them in: manage.py passport ingest-dlq."


def _ask(settings: conf.Settings, url: str) -> Depth:
    return Depth(sum(read_queue_attributes(settings, url, (DEPTH, IN_FLIGHT), attempts=1).values()))


def _sampled(name: str) -> Depth | None:
    for sampled in _samplers:
        try:
            depth = sampled(name)
            if depth and depth.age <= MAX_SAMPLE_AGE:
                return depth
        except Error:
            continue
    return None
