"""Is all well, and if not, why? One sentence and one way out for each thing that is looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta

from redis import RedisError

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.event import S3_POINTER
from passport_events.models import Heartbeat, ProcessedMessage
from passport_events.operating import rq_state
from passport_events.operating.backlog import likely_cause, oldest_age
from passport_events.operating.rq_state import QueueState
from passport_events.operating.silence import Silence, silences
from passport_events.operating.text import one_line

LONGEST_SILENCE = timedelta(seconds=30)
LONGEST_WITHOUT_RECEIVE = timedelta(seconds=60)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    text: str
    hint: str = ""


def assess() -> list[Finding]:
    """Look at everything. Raises the database's errors: without it nothing can be said."""
    states, redis = _ask_redis()
    queues = _assess_queues(states)
    return [assess_poller(), *redis, *queues, assess_event_types(), *assess_organizations()]


def assess_poller() -> Finding:
    """Any poller that writes its process heartbeat and receives is enough."""
    rows = Heartbeat.objects.filter(kind="poller").annotate(now=ClockTimestamp())
    beats = list(rows.values_list("now", "beaten_at", "received_at", "started_at"))
    if not beats:
        return Finding("poller", False, "No poller is running.", "Start it: manage.py poll_sqs.")
    silence = min(now - beaten for now, beaten, _, _ in beats)
    if silence > LONGEST_SILENCE:
        return Finding(
            "poller",
            False,
            f"No poller has written its heartbeat for {seconds(silence)}.",
            "Is poll_sqs running, and does the database take writes?",
        )
    alive = [beat for beat in beats if beat[0] - beat[1] <= LONGEST_SILENCE]
    dry = min(_without_receive(*beat) for beat in alive)
    if dry > LONGEST_WITHOUT_RECEIVE:
        return Finding(
            "poller",
            False,
            f"Pollers run, but none has had an answer from SQS for {seconds(dry)}.",
            "Look in the poller's log: credentials, QUEUE_URL, network.",
        )
    return Finding("poller", True, f"{len(alive)} running; the last heartbeat was {seconds(silence)} ago.")


def _without_receive(
    now: datetime, beaten_at: datetime, received_at: datetime | None, started_at: datetime
) -> timedelta:
    # A poller that has just started is still in its first long poll.
    return now - (received_at or started_at)


def _ask_redis() -> tuple[list[QueueState], list[Finding]]:
    states, away = [], []
    for queue in conf.current().queues():
        try:
            states.append(rq_state.read(queue))
        except RedisError as error:
            away.append(f"{queue} ({type(error).__name__})")
    if not away:
        return states, [Finding("redis", True, "It answers.")]
    text = f"Redis cannot be asked about: {', '.join(away)}."
    hint = "Nothing is lost: messages wait in the database, and go on when it is back. Check RQ_QUEUES."
    return states, [Finding("redis", False, text, hint)]


def assess_backlog() -> list[Finding]:
    """Whether due messages are claimed, queue by queue."""
    states, redis = _ask_redis()
    return [*(f for f in redis if not f.ok), *_assess_queues(states)]


def _assess_queues(states: list[QueueState]) -> Iterator[Finding]:
    for state in states:
        age = oldest_age(conf.current().queues()[state.name])
        cause = likely_cause(state)
        if age is not None:
            text = f"Messages are due for {seconds(age)} and not claimed: {cause.text}."
            yield Finding(state.name, False, text, cause.hint)
        elif not state.workers:
            yield Finding(state.name, False, f"{cause.text[0].upper()}{cause.text[1:]}.", cause.hint)
        else:
            yield Finding(state.name, True, f"{state.workers} workers listen; nothing is due for long.")


def assess_event_types() -> Finding:
    """Rows whose type was taken out of EVENT_TYPES: no queue works on them any more."""
    known = conf.current().live_types()
    forgotten = [name for name in _live_event_types() if name not in known]
    if not forgotten:
        return Finding("event types", True, "Every unfinished message has a queue.")
    text = f"Unfinished messages have a type that EVENT_TYPES does not know: {', '.join(forgotten)}."
    also = "; s3-pointer comes with POINTER_BUCKETS" if S3_POINTER in forgotten else ""
    return Finding("event types", False, text, f"Put the type back until they are done{also}.")


def _live_event_types() -> Iterator[str]:
    """Each type once, by one index probe each; a DISTINCT would read the whole backlog."""
    live = ProcessedMessage.objects.filter(due_at__isnull=False).order_by("event_type")
    last = ""
    while name := live.filter(event_type__gt=last).values_list("event_type", flat=True).first():
        yield name
        last = name


def assess_organizations() -> list[Finding]:
    """One finding for each organization whose heartbeats have stopped, or one that none has."""
    limit = conf.current().heartbeat_silence_seconds
    heard = silences()
    silent = [silence for silence in heard if silence.span.total_seconds() > limit]
    if silent:
        return [_silent(silence) for silence in silent]
    text = f"{len(heard)} were heard in the last {limit} s." if heard else "None has sent a heartbeat yet."
    return [Finding("organizations", True, text)]


def _silent(silence: Silence) -> Finding:
    name, silent_for = one_line(silence.name), silence.span.total_seconds()
    return Finding(
        f"organization {silence.salesforce_id}",
        False,
        f"No heartbeat of {name} was recorded for {silent_for:.0f} seconds.",
        "If the poller is well, its events do not arrive either: ask the Salesforce team for its Event Relay "
        "and its heartbeat. A backlog in SQS delays heartbeats too.",
    )


def seconds(span: timedelta) -> str:
    """A duration as people say it."""
    total = max(0, round(span.total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if total >= 2 * size:
            return f"{total // size} {unit}"
    return f"{total} s"
