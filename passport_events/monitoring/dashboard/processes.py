"""Who runs, and what operators hold back: two queries, and one look into Redis."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext
from rq.defaults import DEFAULT_WORKER_TTL

from passport_events import conf
from passport_events.clock import convert_from_database
from passport_events.dispatching import hints
from passport_events.models import Heartbeat, OperatorAction
from passport_events.monitoring.dashboard.time_ranges import Moment
from passport_events.monitoring.dashboard.values import FlowRule, ProcessRow
from passport_events.operating import rq_state
from passport_events.operating.heartbeats import MAX_SILENCE, is_fresh
from passport_events.operating.rq_state import RegisteredWorker
from passport_events.operating.text import format_line


def read_pollers(moment: Moment) -> list[ProcessRow]:
    """Pollers and ingesters, by the heartbeats they write."""
    found = []
    for beat in Heartbeat.objects.order_by("kind", "name"):
        seen_at = convert_from_database(beat.beaten_at) or moment.now
        age = moment.get_age(seen_at)
        is_late = not is_fresh(moment.now - seen_at)
        name = beat.name.removeprefix(f"{beat.kind} ")
        found.append(
            ProcessRow(
                kind=beat.kind, name=name, seen_at=seen_at, age=age, is_late=is_late, detail=beat.release
            )
        )
    return found


def read_workers(moment: Moment) -> tuple[list[ProcessRow], str]:
    """RQ's workers that listen to our queues, and why they could not be listed; one of the two is empty.

    A worker of ours says that it lives every twenty seconds; until its registration ends, after eight
    minutes, RQ counts one that was killed.
    """
    ours = set(conf.get_settings().queues())
    try:
        found = {
            each.name: each for queue in ours for each in rq_state.list_workers(hints.get_rq_queue(queue))
        }
        return [_describe_worker(found[name], moment, ours) for name in sorted(found)], ""
    except Exception as error:  # noqa: BLE001  # an answer that RQ cannot read is none
        return [], gettext("Redis does not answer (%(error)s).") % {"error": type(error).__name__}


def _describe_worker(worker: RegisteredWorker, moment: Moment, ours: set[str]) -> ProcessRow:
    seen_at = worker.seen_at or worker.born_at or moment.now
    age = moment.get_age(seen_at)
    queues = sorted(ours & set(worker.queues))
    return ProcessRow(
        kind="worker",
        name=format_line(worker.name),
        seen_at=seen_at,
        age=age,
        is_late=age > DEFAULT_WORKER_TTL + MAX_SILENCE.total_seconds(),
        detail=f"{format_line(worker.state)}, {', '.join(queues)}",
        queues=queues,
    )


def read_flow_rules() -> Iterator[FlowRule]:
    """Pauses and throttles in force."""
    for action in OperatorAction.objects.in_force().select_related("organization").order_by("pk"):
        since = convert_from_database(action.created_at)
        assert since is not None  # noqa: S101  # for type checkers
        yield FlowRule(
            kind=action.kind,
            event_type=action.event_type,
            organization="" if action.organization is None else format_line(action.organization.name),
            per_minute=action.per_minute,
            who=format_line(action.actor_name),
            why=format_line(action.reason),
            get_age=since,
        )
