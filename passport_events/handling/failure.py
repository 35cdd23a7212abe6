"""Writing down a failed attempt, and what becomes of its message."""

from __future__ import annotations

import random
import time
from datetime import timedelta

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.handling.errors import ErrorReport, Failure
from passport_events.handling.retry import Again, Dead, PutOff, RetryPolicy, decide
from passport_events.handling.turn import Attempt
from passport_events.instrumentation import Notification
from passport_events.mirror.merge import Merged
from passport_events.models import AttemptOutcome, MessageAttempt, Status


def record_failure(
    turn: Attempt, failure: Failure, merged: Merged | None = None
) -> tuple[Notification, dict[str, object]]:
    """Decide, write the attempt, move the message; returns what to announce after the commit."""
    policy = RetryPolicy.of(conf.current())
    outcome = decide(failure.error, turn.attempt, policy, random.random(), turn.put_off_for)
    report = failure.report
    if isinstance(outcome, PutOff):
        # No attempt is written either: an outage of days would make hundreds for each message.
        turn.put_off(outcome.delay, report.text, merged)
        due_in = outcome.delay.total_seconds()
        return Notification.RETRYING, {"error_class": report.error_class, "due_in": due_in}
    group = report.fingerprint(turn.message.event_type)
    if isinstance(outcome, Again):
        turn.wait(outcome.delay, report.error_class, merged, group)
        _append(turn, AttemptOutcome.RETRY, report, group)
        due_in = outcome.delay.total_seconds()
        return Notification.RETRYING, {"error_class": report.error_class, "due_in": due_in}
    if isinstance(outcome, Dead):
        turn.finish(Status.DEAD, f"{outcome.reason}: {report.error_class}", merged, group)
        _append(turn, AttemptOutcome.DEAD, report, group)
        return Notification.DIED, {"error_class": report.error_class, "reason": outcome.reason}
    turn.finish(Status.IGNORED, report.text, merged)
    return Notification.IGNORED, {}


def _append(turn: Attempt, outcome: AttemptOutcome, report: ErrorReport, group: str) -> None:
    MessageAttempt.objects.create(
        message=turn.message,
        generation=turn.message.generation,
        number=turn.attempt,
        outcome=outcome,
        error_class=report.error_class,
        error=report.text,
        traceback=report.frames,
        own_frames="\n".join(report.own_frames),
        fingerprint=group,
        release=conf.current().release,
        worker=turn.worker,
        started_at=ClockTimestamp() - timedelta(seconds=time.monotonic() - turn.started),
        ended_at=ClockTimestamp(),
    )
