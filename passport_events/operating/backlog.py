"""Backlog: messages that are due for more than a minute and not claimed, and the likely cause."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery

from passport_events import conf
from passport_events.clock import ClockTimestamp, StatementTimestamp
from passport_events.dispatching.flow_control import FlowControls
from passport_events.event import S3_POINTER
from passport_events.models import ProcessedMessage, SalesforceOrganization
from passport_events.operating.finding import Code
from passport_events.operating.rq_state import JOB_REFUSED, NOT_FOUND, WORKER_DIED, QueueState

MIN_AGE = timedelta(seconds=60)
WORKER_CLASS = "passport_events.handling.rq_worker.PassportWorker"


JOB_UNREADABLE = "DeserializationError"
JOB_TIMED_OUT = "JobTimeoutException"


@dataclasses.dataclass(frozen=True, slots=True)
class BacklogCause:
    """The likely cause of a backlog, and what to do."""

    code: Code
    text: str
    hint: str


def find_oldest_age(event_types: Sequence[str]) -> timedelta | None:
    """How long the oldest message of these types has been due, if that is long.

    What an operator paused or throttled waits on purpose and is not counted. One query for each
    type, and one index probe for each organization in it (for pointers, one), however long the
    backlog is.
    """
    controls = FlowControls.read()
    slowed = [*controls.pauses, *(throttle.scope for throttle in controls.rate_limits)]
    ages = [
        now - due
        for name in event_types
        for organization, due, now in find_oldest(name)
        if not any(scope.covers(name, organization) for scope in slowed)
    ]
    return max(ages, default=None)


def find_oldest(event_type: str) -> Iterable[tuple[int, datetime, datetime]]:
    """The oldest message that is due for long, of each organization: that, since when, and the time now.

    One query.
    """
    return _find_oldest_pointer() if event_type == S3_POINTER else _find_oldest_by_organization(event_type)


def _find_oldest_by_organization(event_type: str) -> Iterable[tuple[int, datetime, datetime]]:
    due = ProcessedMessage.objects.filter(
        organization=OuterRef("pk"), event_type=event_type, due_at__lt=ClockTimestamp() - MIN_AGE
    )
    oldest = Subquery(due.order_by("due_at").values("due_at")[:1])
    rows = SalesforceOrganization.objects.annotate(oldest=oldest, now=ClockTimestamp())
    return rows.filter(oldest__isnull=False).order_by().values_list("pk", "oldest", "now")


def _find_oldest_pointer() -> Iterable[tuple[int, datetime, datetime]]:
    """Pointers have no organization; 0 stands for none."""
    due = ProcessedMessage.objects.filter(
        organization__isnull=True, event_type=S3_POINTER, due_at__lt=ClockTimestamp() - MIN_AGE
    )
    oldest = due.order_by("organization_id", "due_at").annotate(now=ClockTimestamp())
    return [(0, due, now) for due, now in oldest.values_list("due_at", "now")[:1] if due is not None]


def decide_cause(state: QueueState, *, poller_runs: bool) -> BacklogCause:
    """Decide by the state of the RQ queue, and by whether a poller runs (it dispatches)."""
    return next(_list_causes(state, poller_runs))


def _list_causes(state: QueueState, poller_runs: bool) -> Iterator[BacklogCause]:  # noqa: FBT001
    """The causes that apply, the surest first; the last one always applies."""
    name = state.name
    if not state.workers:
        yield BacklogCause(
            Code.NO_WORKER, f"no RQ worker listens on {name}", f"Start one: manage.py rqworker {name}."
        )
    if state.is_suspended:
        yield BacklogCause(Code.WORKERS_SUSPENDED, "RQ's workers are suspended", "Let them go on: rq resume.")
    if failed := explain_job_failure(state):
        yield failed
    if state.hints and state.busy < state.workers:
        yield BacklogCause(
            Code.HINTS_NOT_TAKEN,
            f"{state.hints} hints wait in {name} and a worker is idle, but none takes them",
            "Was the worker killed a moment ago? Restart it, and see that it lists this queue.",
        )
    if state.hints or state.busy:
        yield BacklogCause(
            Code.WORKERS_BUSY,
            f"all {state.workers} workers of {name} are busy, and more is due than they get done",
            "Start more workers, or see which handler is slow.",
        )
    if poller_runs:
        yield BacklogCause(
            Code.HINTS_ELSEWHERE,
            "workers listen and a poller runs, but no hint arrives here",
            f"See that the poller has the same RQ_QUEUES[{name!r}], and look in its log for Redis.",
        )
    yield BacklogCause(
        Code.NOT_DISPATCHED,
        "workers listen, but nobody sends them hints",
        "Dispatching is part of poll_sqs. Start it, or manage.py dispatch_messages.",
    )


def explain_job_failure(state: QueueState) -> BacklogCause | None:  # noqa: PLR0911  one for each kind
    """Why a hint's job failed in the last minutes; None if none did."""
    if not state.failure:
        return None
    if state.failure == WORKER_DIED:
        return BacklogCause(
            Code.WORKER_DIED,
            "RQ's worker takes the hints, and its process died at the job",
            "Look in the worker's log and the kernel's (out of memory?). What it held runs alone by itself; "
            "a message that takes its worker down three times becomes a dead letter.",
        )
    kind = state.failure.rpartition(".")[2]
    if kind == JOB_UNREADABLE:
        return BacklogCause(
            Code.JOB_UNREADABLE,
            f"RQ's jobs fail before they start: {state.failure}",
            f"Workers of another class cannot read hints. Start those of {state.name} with --worker-class "
            f"{WORKER_CLASS}.",
        )
    if state.failure == JOB_REFUSED:
        return BacklogCause(
            Code.JOB_REFUSED,
            f"a job in {state.name} was refused, because it is no hint",
            "Give other jobs queues and workers of their own. If no job of yours can be there, find out who "
            "can write to Redis.",
        )
    if state.failure == NOT_FOUND:
        return BacklogCause(
            Code.JOB_WITHOUT_CODE,
            f"RQ's jobs fail before they start: {state.failure}",
            "Workers run other code than what sends hints: deploy one release everywhere, and restart them.",
        )
    if kind == JOB_TIMED_OUT:
        return BacklogCause(
            Code.JOB_TOO_LONG,
            f"RQ ended a job that took longer than JOB_TIME_LIMIT_SECONDS plus HANDLER_TIMEOUT_SECONDS: "
            f"{state.failure}",
            "See which handler is slow, or raise HANDLER_TIMEOUT_SECONDS.",
        )
    return BacklogCause(
        Code.JOB_FAILED,
        f"RQ's jobs end with an error: {state.failure}",
        "The worker's log has the traceback, and so has RQ: rq info, or the admin of django-rq.",
    )


MAX_COUNTED = 10_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DueBacklog:
    """The backlog of one event type."""

    event_type: str
    count: int
    is_capped: bool
    age: timedelta
    """How long the oldest message has been due."""
    organizations: int
    is_paused: bool
    """True if all of it is paused."""


def list_backlog(event_type: str = "") -> list[DueBacklog]:
    """The event types with a backlog; two queries for each type."""
    controls = FlowControls.read()
    types = [name for name in conf.get_settings().live_types() if event_type in ("", name)]
    return [found for name in types for found in _count_due(name, controls)]


def _count_due(name: str, controls: FlowControls) -> Iterator[DueBacklog]:
    waits = list(find_oldest(name))
    due = ProcessedMessage.objects.filter(event_type=name, due_at__lt=StatementTimestamp() - MIN_AGE)
    count = due.order_by()[: MAX_COUNTED + 1].count()
    if waits:
        yield DueBacklog(
            event_type=name,
            count=min(count, MAX_COUNTED),
            is_capped=count > MAX_COUNTED,
            age=max(now - since for _, since, now in waits),
            organizations=0 if name == S3_POINTER else len(waits),
            is_paused=all(controls.is_paused(name, home) for home, _, _ in waits),
        )
