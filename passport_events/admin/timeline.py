"""A message from being published to its end, as steps in the order of time."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext

from passport_events.models import (
    ActionKind,
    AttemptOutcome,
    Delivery,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    Status,
)
from passport_events.operating.text import escape_invisible, format_line

MAX_ERROR, MAX_TRACEBACK = 2_000, 8_000
"""Characters of one step; a page has many steps."""
MAX_FRAMES = 20
_BAD = (Status.DEAD, Status.QUARANTINED)


@dataclasses.dataclass(frozen=True, slots=True)
class TimelineStep:
    """One thing that happened."""

    when: datetime
    title: str
    text: str = ""
    error: str = ""
    place: str = ""
    """Where in the project's own code it came from: the short traceback."""
    frames: str = ""
    """The whole one."""
    tone: str = ""
    after: str = ""
    """Time since the step before."""


def build_timeline(
    message: ProcessedMessage, attempts: Iterable[MessageAttempt], actions: Iterable[OperatorAction]
) -> list[TimelineStep]:
    """Every step, the first one first."""
    steps = [
        *_build_delivery_steps(message.delivery),
        *(_build_attempt_step(attempt, message.finished_at) for attempt in attempts),
        *_build_processing_steps(message),
        *map(_build_operation_step, actions),
    ]
    ordered = sorted(steps, key=lambda step: step.when)
    gaps = ["", *(_format_gap(later.when - earlier.when) for earlier, later in itertools.pairwise(ordered))]
    return [dataclasses.replace(step, after=gap) for step, gap in zip(ordered, gaps, strict=True)]


def _build_delivery_steps(delivery: Delivery) -> Iterator[TimelineStep]:
    if delivery.published_at and delivery.sns_message_id:
        yield TimelineStep(delivery.published_at, gettext("Published"), gettext("Accepted by SNS."))
    if delivery.sent_at:
        yield TimelineStep(delivery.sent_at, gettext("Sent"), gettext("Accepted by SQS."))
    count = gettext("receive count %(count)s") % {"count": delivery.receive_count}
    yield TimelineStep(delivery.received_at, gettext("Received"), f"({count})")


def _build_processing_steps(message: ProcessedMessage) -> Iterator[TimelineStep]:
    if message.claimed_at:
        yield TimelineStep(message.claimed_at, gettext("Claimed"), gettext("Last claim by a worker."))
    if message.finished_at:
        release = (
            " " + gettext("Release %(name)s.") % {"name": format_line(message.release)}
            if message.release
            else ""
        )
        tone = "bad" if message.status in _BAD else "good"
        title = gettext("Finished: %(status)s") % {"status": message.status}
        yield TimelineStep(message.finished_at, title, format_line(message.reason) + release, tone=tone)
    if message.due_at:
        is_held = message.status == Status.PROCESSING
        yield TimelineStep(
            message.due_at,
            gettext("Lease expires") if is_held else gettext("Due"),
            "" if is_held else gettext("Can be claimed from this time."),
        )


def _build_attempt_step(attempt: MessageAttempt, finished_at: datetime | None) -> TimelineStep:
    known = ((attempt.worker, gettext("by")), (attempt.release, gettext("release")))
    by = " ".join(f"{word} {format_line(value)}" for value, word in known if value)
    title = gettext("Attempt %(number)s failed") % {"number": attempt.number}
    if attempt.generation:
        title += " " + gettext("(replay %(number)s)") % {"number": attempt.generation}
    # The message's end is written a moment before its last attempt, in the same transaction.
    return TimelineStep(
        min(attempt.ended_at, finished_at or attempt.ended_at),
        title,
        by,
        error=": ".join(
            filter(None, (format_line(attempt.error_class), escape_invisible(attempt.error, MAX_ERROR)))
        ),
        place=" ← ".join(format_line(frame) for frame in attempt.own_frames.splitlines()[:MAX_FRAMES]),
        frames=escape_invisible(attempt.traceback, MAX_TRACEBACK),
        tone="" if attempt.outcome == AttemptOutcome.RETRY else "bad",
    )


def _build_operation_step(action: OperatorAction) -> TimelineStep:
    by = gettext("by %(operator)s") % {"operator": format_line(action.actor_name)}
    text = by + (f": {escape_invisible(action.reason, MAX_ERROR)}" if action.reason else "")
    if action.kind == ActionKind.LOOK:
        return TimelineStep(action.created_at, gettext("Viewed payload"), by)
    return TimelineStep(action.created_at, gettext("Operator: %(kind)s") % {"kind": action.kind}, text)


def _format_gap(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 120:
        return f"+{seconds:.2f} s"
    return f"+{seconds / 60:,.0f} min" if seconds < 7_200 else f"+{seconds / 3_600:,.0f} h"
