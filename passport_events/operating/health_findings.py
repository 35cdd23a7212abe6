"""Findings about failed messages, pauses and rate limits, and SQS's dead letter queues."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import Error

from passport_events import conf, fingerprint
from passport_events.aws_clients.queue_attributes import DEPTH, IN_FLIGHT, read_queue_attributes
from passport_events.clock import convert_from_database
from passport_events.exceptions import ConfigurationError, PassportEventsError, QueueUnavailable
from passport_events.handling.recovery import MAX_CRASHES
from passport_events.models import ActionKind, OperatorAction, ProcessedMessage, Status
from passport_events.operating import heartbeats
from passport_events.operating.finding import Code, Finding, report_ok
from passport_events.operating.text import format_duration, format_line
from passport_events.wire.raw_delivery import parse_queue_name

MAX_COUNTED = 10_000
MAX_NAMED = 5


def check_failed_messages() -> Iterator[Finding]:
    """One finding per kind of failed messages, or one that there are none. Bounded index reads."""
    found = [*_find_dead_letters(), *_find_quarantined(), *find_poison()]
    yield from found or [report_ok("failed messages", "No dead letters, and nothing is quarantined.")]


def _find_dead_letters() -> Iterator[Finding]:
    if count := _count(Status.DEAD):
        yield Finding(
            "dead letters",
            Code.DEAD_LETTERS,
            f"{count} dead letters are not retried any more.",
            "See why, on the page of failed messages or with manage.py passport groups. Fix it, then: "
            'manage.py passport retry --all --reason "fixed". Or discard in place of retry.',
        )


def _find_quarantined() -> Iterator[Finding]:
    if count := _count(Status.QUARANTINED):
        yield Finding(
            "quarantined",
            Code.QUARANTINED,
            f"{count} deliveries are quarantined: they could not be read as events.",
            "See the reason on the page of failed messages, or with "
            "manage.py passport list --status quarantined. "
            "Fix it (add the organization, say), then: manage.py passport reprocess --all. Or discard: "
            'manage.py passport discard ID --reason "of no use".',
        )


def find_poison() -> Iterator[Finding]:
    """Dead letters that crashed their worker three times while they ran alone.

    Every group of crashes has one fingerprint for each event type, so this is a few index probes.
    """
    for event_type in conf.get_settings().live_types():
        group = fingerprint.compute_crash_fingerprint(event_type)
        rows = ProcessedMessage.objects.filter(
            fingerprint=group, status=Status.DEAD, crashes__gte=MAX_CRASHES
        ).order_by("-pk")
        named = list(rows.values_list("pk", flat=True)[: MAX_NAMED + 1])
        if named:
            yield _describe_poison(event_type, group, named)


def _describe_poison(event_type: str, group: str, named: list[int]) -> Finding:
    ids = ", ".join(map(str, named[:MAX_NAMED]))
    more = " and others" if len(named) > MAX_NAMED else ""
    which = f"Messages {ids}{more} each" if len(named) > 1 else f"Message {ids}"
    whose = "their worker" if len(named) > 1 else "its worker"
    return Finding(
        f"poison {event_type}",
        Code.POISON,
        f"{which} took {whose} down {MAX_CRASHES} times: no error, the process died (group {group}).",
        f"The handler of {event_type} crashes or is killed for its memory: see the kernel's log. "
        f'Fix it, then: manage.py passport retry --group {group} --reason "fixed". '
        "Or discard in place of retry.",
    )


def _count(status: Status) -> str:
    """The count as text, up to a limit; empty for none."""
    rows = ProcessedMessage.objects.filter(status=status).order_by()
    count = rows[: MAX_COUNTED + 1].count()
    if count > MAX_COUNTED:
        return f"More than {MAX_COUNTED:,}"
    return f"{count:,}" if count else ""


def check_flow() -> Iterator[Finding]:
    """One finding for each active pause and rate limit, the oldest first, or one if there are none."""
    rows = OperatorAction.objects.in_force().select_related("organization").order_by("pk")
    found = [_describe_control(row) for row in rows]
    yield from found or [report_ok("flow", "No pauses and no rate limits.")]


def _describe_control(action: OperatorAction) -> Finding:
    types = f"--event-type {action.event_type}" if action.event_type else ""
    home = f"--organization {action.organization.salesforce_id}" if action.organization else ""
    what = format_line(action.event_type) or "every event type"
    whose = format_line(action.organization.name) if action.organization else "every organization"
    since = convert_from_database(action.created_at)
    who = f"since {since:%Y-%m-%d %H:%M %Z} by {format_line(action.actor_name)}"
    why = f": {format_line(action.reason)}" if action.reason else ""
    flags = " ".join(part for part in (types, home) if part)
    if action.kind == ActionKind.PAUSE:
        text = f"Handling of {what} of {whose} is paused {who}{why}."
        return Finding(
            f"pause {action.pk}",
            Code.PAUSED,
            text,
            f"Resume it: manage.py passport resume {flags}".strip() + ".",
        )
    text = f"Handling of {what} of {whose} is limited to {action.per_minute} messages a minute {who}{why}."
    hint = f"Remove it: manage.py passport rate-limit --remove {flags}".strip() + "."
    return Finding(f"throttle {action.pk}", Code.THROTTLED, text, hint)


MAX_SAMPLE_AGE = timedelta(minutes=5)
"""Older samples are ignored."""


@dataclasses.dataclass(frozen=True, slots=True)
class QueueDepth:
    """The number of messages in a queue, and the age of that number."""

    messages: int
    age: timedelta = timedelta(0)


DepthSampler = Callable[[str], QueueDepth | None]
"""Takes the name of a queue. Raises the database's errors."""

_samplers: list[DepthSampler] = []


def register_sampler(sampled: DepthSampler) -> None:
    """Use `sampled` if SQS does not answer."""
    _samplers.append(sampled)


def check_dead_letter_queues() -> Iterator[Finding]:
    """One finding for each queue of DEAD_LETTER_QUEUE_URLS. One call to SQS each, and no retry."""
    settings = conf.get_settings()
    for url in settings.dead_letter_queue_urls:
        yield _check_queue(settings, url)


def _check_queue(settings: conf.Settings, url: str) -> Finding:
    name = parse_queue_name(url)
    try:
        depth = _read_depth(settings, url)
    except (QueueUnavailable, ConfigurationError) as error:
        sampled = _read_sample(name)
        if sampled is None:
            return _report_unknown(name, error)
        depth = sampled
    when = f" {format_duration(depth.age)} ago" if depth.age else ""
    if not depth.messages:
        return report_ok(name, f"This dead letter queue{' was' if when else ' is'} empty{when}.")
    text = f"{depth.messages:,} messages {'were' if when else 'are'} in this dead letter queue{when}: "
    return Finding(
        name, Code.DEAD_LETTER_QUEUE, f"{text}they may never have been stored here.", _suggest_next_step()
    )


def _report_unknown(name: str, error: PassportEventsError) -> Finding:
    return Finding(
        name,
        Code.DEAD_LETTER_QUEUE_NOT_ASKED,
        f"The depth of this dead letter queue is not known: {error}.",
        "Allow sqs:GetQueueAttributes on it to the role that runs this, and see that DEAD_LETTER_QUEUE_URLS "
        "is right; or let passport ingest-dlq run with the app passport_events.monitoring, which samples it.",
    )


def _suggest_next_step() -> str:
    try:
        runs = heartbeats.is_running("ingester")
    except Error:
        runs = False
    if runs:
        return "manage.py passport ingest-dlq runs and reads them in: if they stay, see its log."
    return "See why they were not received, then read them in: manage.py passport ingest-dlq."


def _read_depth(settings: conf.Settings, url: str) -> QueueDepth:
    return QueueDepth(sum(read_queue_attributes(settings, url, (DEPTH, IN_FLIGHT), attempts=1).values()))


def _read_sample(name: str) -> QueueDepth | None:
    for sampled in _samplers:
        try:
            depth = sampled(name)
            if depth and depth.age <= MAX_SAMPLE_AGE:
                return depth
        except Error:
            continue
    return None
