"""Health: findings with a sentence and a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from django.db import Error, connections, router

from passport_events import conf
from passport_events.event import S3_POINTER
from passport_events.models import ProcessedMessage
from passport_events.operating import heartbeats, rq_state
from passport_events.operating.backlog import decide_cause, find_oldest_age
from passport_events.operating.finding import Code, Finding, report_ok
from passport_events.operating.health_findings import (
    check_dead_letter_queues,
    check_failed_messages,
    check_flow,
)
from passport_events.operating.heartbeats import OrganizationSilence, list_organization_silences
from passport_events.operating.redis_probe import Refusal, probe_queue, suggest_fix
from passport_events.operating.rq_state import QueueState
from passport_events.operating.text import format_duration, format_line

MAX_RECEIVE_GAP = timedelta(seconds=60)

Check = Callable[[], Iterable[Finding]]


def check_health() -> list[Finding]:
    """Run every check. A check that fails with an error is a finding of its own."""
    states, found = _check_redis()
    parts: dict[str, Check] = {
        "the poller": lambda: [check_poller()],
        "due messages": lambda: _check_queues(states),
        "event types": lambda: [check_event_types()],
        "organizations": check_organizations,
        "failed messages": check_failed_messages,
        "pauses and rate limits": check_flow,
    }
    return [*found, *_collect_findings(parts), *check_dead_letter_queues()]


def _collect_findings(parts: dict[str, Check]) -> Iterator[Finding]:
    """The findings of each check, and one finding for the checks that failed with a database error."""
    unasked: list[str] = []
    kind, is_away = "", False
    for name, part in parts.items():
        try:
            if not is_away:
                yield from list(part())
                continue
        except Error as error:
            is_away = _is_unreachable()  # else each check would wait for a connection
            kind = type(error).__name__
        unasked.append(name)
    if unasked:
        text = f"the database cannot be asked about {', '.join(unasked)}: {kind}."
        hint = "See that it runs, that DATABASES is right, and that manage.py migrate was run."
        yield Finding("database", Code.NOT_ASKED, text, hint)


def _is_unreachable() -> bool:
    connection = connections[router.db_for_write(ProcessedMessage)]
    return connection.connection is None or not connection.is_usable()


def check_poller() -> Finding:
    """One poller that writes its process heartbeat and receives is enough."""
    beats = heartbeats.list_process_heartbeats("poller")
    if not beats:
        return Finding("poller", Code.NO_POLLER, "No poller is running.", "Start it: manage.py poll_sqs.")
    silence = min(beat.age for beat in beats)
    running = [beat for beat in beats if beat.is_fresh]
    if not running:
        return Finding(
            "poller",
            Code.POLLER_SILENT,
            f"No poller has written its heartbeat for {format_duration(silence)}.",
            "Is poll_sqs running, and does the database take writes?",
        )
    dry = min(beat.without_receive for beat in running)
    if dry > MAX_RECEIVE_GAP:
        return Finding(
            "poller",
            Code.POLLER_WITHOUT_ANSWER,
            f"Pollers run, but none has had an answer from SQS for {format_duration(dry)}.",
            "Look in the poller's log: credentials, QUEUE_URL, network.",
        )
    return report_ok(
        "poller", f"{len(running)} running; the last heartbeat was {format_duration(silence)} ago."
    )


def _check_redis() -> tuple[list[QueueState], list[Finding]]:
    states, away = [], []
    refused: dict[str, list[Refusal]] = {}
    for queue in conf.get_settings().queues():
        try:
            states.append(rq_state.read_queue_state(queue))
            refused[queue] = probe_queue(queue)
        except Exception as error:  # noqa: BLE001  # RQ raises many errors for an unreadable answer
            away.append(f"{queue} ({type(error).__name__})")
    refusals = list(dict.fromkeys(each for found in refused.values() for each in found))
    if refusals and not away:
        what = "; ".join(f"{refusal.what} ({refusal.error})" for refusal in refusals)
        return states, [
            Finding(
                "redis", Code.REDIS_REFUSES, f"Redis refuses what is needed: {what}.", suggest_fix(refusals)
            )
        ]
    if not away:
        return states, [report_ok("redis", "It answers, and does what hints, locks and workers need.")]
    text = f"Redis cannot be asked about: {', '.join(away)}."
    hint = "Nothing is lost: messages wait in the database, and go on when it is back. Check RQ_QUEUES."
    return states, [Finding("redis", Code.REDIS_AWAY, text, hint)]


def check_backlog() -> list[Finding]:
    """One finding per queue: are due messages claimed? Raises database errors."""
    states, redis = _check_redis()
    return [*(f for f in redis if not f.ok), *_check_queues(states)]


def _check_queues(states: list[QueueState]) -> Iterator[Finding]:
    poller_runs = heartbeats.is_running("poller")
    for state in states:
        age = find_oldest_age(conf.get_settings().queues()[state.name])
        cause = decide_cause(state, poller_runs=poller_runs)
        if age is not None:
            text = f"Messages are due for {format_duration(age)} and not claimed: {cause.text}."
            yield Finding(state.name, cause.code, text, cause.hint)
        elif cause.code in (Code.NO_WORKER, Code.JOB_REFUSED):
            yield Finding(state.name, cause.code, f"{cause.text[0].upper()}{cause.text[1:]}.", cause.hint)
        else:
            yield report_ok(state.name, f"{state.workers} workers listen; nothing is due for long.")


def check_event_types() -> Finding:
    """Unfinished messages whose event type was removed from EVENT_TYPES: no queue handles them."""
    known = conf.get_settings().live_types()
    forgotten = [name for name in _list_live_types() if name not in known]
    if not forgotten:
        return report_ok("event types", "Every unfinished message has a queue.")
    text = f"Unfinished messages have a type that EVENT_TYPES does not know: {', '.join(forgotten)}."
    also = "; s3-pointer comes with S3_PAYLOAD_BUCKETS" if S3_POINTER in forgotten else ""
    return Finding("event types", Code.UNKNOWN_TYPE, text, f"Put the type back until they are done{also}.")


def _list_live_types() -> Iterator[str]:
    """Each type once, by one index probe each; a DISTINCT would read the whole backlog."""
    live = ProcessedMessage.objects.filter(due_at__isnull=False).order_by("event_type")
    last = ""
    while name := live.filter(event_type__gt=last).values_list("event_type", flat=True).first():
        yield name
        last = name


def check_organizations() -> list[Finding]:
    """One finding for each organization whose heartbeats have stopped, or one that none has."""
    limit = conf.get_settings().heartbeat_timeout_seconds
    heard = list_organization_silences()
    silent = [silence for silence in heard if silence.span.total_seconds() > limit]
    if silent:
        return [_describe_silence(silence) for silence in silent]
    text = f"{len(heard)} were heard in the last {limit} s." if heard else "None has sent a heartbeat yet."
    return [report_ok("organizations", text)]


def _describe_silence(silence: OrganizationSilence) -> Finding:
    name, silent_for = format_line(silence.name), silence.span.total_seconds()
    return Finding(
        f"organization {silence.salesforce_id}",
        Code.ORGANIZATION_SILENT,
        f"No heartbeat of {name} was recorded for {silent_for:.0f} seconds.",
        "If the poller is well, its events do not arrive either: ask the Salesforce team for its Event Relay "
        "and its heartbeat. A backlog in SQS delays heartbeats too.",
    )
