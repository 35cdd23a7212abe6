"""Is all well, and if not, why? One sentence and one way out for each thing that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from django.db import Error, connections, router

from passport_events import conf
from passport_events.event import S3_POINTER
from passport_events.models import ProcessedMessage
from passport_events.operating import heartbeats, rq_state
from passport_events.operating.backlog import likely_cause, oldest_age
from passport_events.operating.finding import Code, Finding, well
from passport_events.operating.health_findings import assess_dead_letter_queues, assess_failed, assess_flow
from passport_events.operating.heartbeats import Silence, silences
from passport_events.operating.redis_probe import Refusal, mend, try_queue
from passport_events.operating.rq_state import QueueState
from passport_events.operating.text import one_line, seconds

LONGEST_WITHOUT_RECEIVE = timedelta(seconds=60)

Assess = Callable[[], Iterable[Finding]]


def assess() -> list[Finding]:
    """Look at everything. What cannot be asked is a finding and hides nothing else."""
    states, found = _ask_redis()
    parts: dict[str, Assess] = {
        "the poller": lambda: [assess_poller()],
        "due messages": lambda: _assess_queues(states),
        "event types": lambda: [assess_event_types()],
        "organizations": assess_organizations,
        "failed messages": assess_failed,
        "pauses and throttles": assess_flow,
    }
    return [*found, *_asked_of_the_database(parts), *assess_dead_letter_queues()]


def _asked_of_the_database(parts: dict[str, Assess]) -> Iterator[Finding]:
    """What each part finds, and one finding for those that could not be asked."""
    unasked: list[str] = []
    kind, is_away = "", False
    for name, part in parts.items():
        try:
            if not is_away:
                yield from list(part())
                continue
        except Error as error:
            is_away = _is_away()  # else each part would wait for a connection again
            kind = type(error).__name__
        unasked.append(name)
    if unasked:
        text = f"the database cannot be asked about {', '.join(unasked)}: {kind}."
        hint = "See that it runs, that DATABASES is right, and that manage.py migrate was run."
        yield Finding("database", Code.NOT_ASKED, text, hint)


def _is_away() -> bool:
    connection = connections[router.db_for_write(ProcessedMessage)]
    return connection.connection is None or not connection.is_usable()


def assess_poller() -> Finding:
    """Any poller that writes its process heartbeat and receives is enough."""
    beats = heartbeats.beats("poller")
    if not beats:
        return Finding("poller", Code.NO_POLLER, "No poller is running.", "Start it: manage.py poll_sqs.")
    silence = min(beat.age for beat in beats)
    running = [beat for beat in beats if beat.is_fresh]
    if not running:
        return Finding(
            "poller",
            Code.POLLER_SILENT,
            f"No poller has written its heartbeat for {seconds(silence)}.",
            "Is poll_sqs running, and does the database take writes?",
        )
    dry = min(beat.without_receive for beat in running)
    if dry > LONGEST_WITHOUT_RECEIVE:
        return Finding(
            "poller",
            Code.POLLER_WITHOUT_ANSWER,
            f"Pollers run, but none has had an answer from SQS for {seconds(dry)}.",
            "Look in the poller's log: credentials, QUEUE_URL, network.",
        )
    return well("poller", f"{len(running)} running; the last heartbeat was {seconds(silence)} ago.")


def _ask_redis() -> tuple[list[QueueState], list[Finding]]:
    states, away = [], []
    refused: dict[str, list[Refusal]] = {}
    for queue in conf.current().queues():
        try:
            states.append(rq_state.read(queue))
            refused[queue] = try_queue(queue)
        except Exception as error:  # noqa: BLE001  # an answer that RQ cannot read is none
            away.append(f"{queue} ({type(error).__name__})")
    refusals = list(dict.fromkeys(each for found in refused.values() for each in found))
    if refusals and not away:
        what = "; ".join(f"{refusal.what} ({refusal.error})" for refusal in refusals)
        return states, [
            Finding("redis", Code.REDIS_REFUSES, f"Redis refuses what is needed: {what}.", mend(refusals))
        ]
    if not away:
        return states, [well("redis", "It answers, and does what hints, locks and workers need.")]
    text = f"Redis cannot be asked about: {', '.join(away)}."
    hint = "Nothing is lost: messages wait in the database, and go on when it is back. Check RQ_QUEUES."
    return states, [Finding("redis", Code.REDIS_AWAY, text, hint)]


def assess_backlog() -> list[Finding]:
    """Whether due messages are claimed, queue by queue. Raises the database's errors."""
    states, redis = _ask_redis()
    return [*(f for f in redis if not f.ok), *_assess_queues(states)]


def _assess_queues(states: list[QueueState]) -> Iterator[Finding]:
    poller_runs = heartbeats.is_running("poller")
    for state in states:
        age = oldest_age(conf.current().queues()[state.name])
        cause = likely_cause(state, poller_runs=poller_runs)
        if age is not None:
            text = f"Messages are due for {seconds(age)} and not claimed: {cause.text}."
            yield Finding(state.name, cause.code, text, cause.hint)
        elif cause.code in (Code.NO_WORKER, Code.JOB_REFUSED):
            yield Finding(state.name, cause.code, f"{cause.text[0].upper()}{cause.text[1:]}.", cause.hint)
        else:
            yield well(state.name, f"{state.workers} workers listen; nothing is due for long.")


def assess_event_types() -> Finding:
    """Rows whose type was taken out of EVENT_TYPES: no queue works on them any more."""
    known = conf.current().live_types()
    forgotten = [name for name in _live_event_types() if name not in known]
    if not forgotten:
        return well("event types", "Every unfinished message has a queue.")
    text = f"Unfinished messages have a type that EVENT_TYPES does not know: {', '.join(forgotten)}."
    also = "; s3-pointer comes with POINTER_BUCKETS" if S3_POINTER in forgotten else ""
    return Finding("event types", Code.UNKNOWN_TYPE, text, f"Put the type back until they are done{also}.")


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
    return [well("organizations", text)]


def _silent(silence: Silence) -> Finding:
    name, silent_for = one_line(silence.name), silence.span.total_seconds()
    return Finding(
        f"organization {silence.salesforce_id}",
        Code.ORGANIZATION_SILENT,
        f"No heartbeat of {name} was recorded for {silent_for:.0f} seconds.",
        "If the poller is well, its events do not arrive either: ask the Salesforce team for its Event Relay "
        "and its heartbeat. A backlog in SQS delays heartbeats too.",
    )
