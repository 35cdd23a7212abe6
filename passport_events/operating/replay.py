"""Preview of a replay: count the messages, and predict what would happen to the newest.

A replay is a new generation with a new idempotency key, so that effects of a handler outside the
database happen again too.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import datetime

from django.db.models import BooleanField, Count, ExpressionWrapper, Max, Min

from passport_events import conf
from passport_events.handling.plan import make_plan
from passport_events.handling.registry import find_handler
from passport_events.models import Mode, ProcessedMessage
from passport_events.operating.operations import FINISHED, READABLE, Operation
from passport_events.operating.selection import MAX_COUNTED, Selection, find_newest


@dataclasses.dataclass(frozen=True, slots=True)
class ReplayPreview:
    """What a replay would do."""

    messages: int
    """Messages that would run again."""
    redacted: int
    """Messages that cannot run, because their content is redacted."""
    first: datetime | None
    last: datetime | None
    """When the first and the last of the messages finished."""
    by_type: dict[str, int]
    without_handler: tuple[str, ...]
    """Event types without a handler: their messages would only be merged again."""
    not_live: tuple[str, ...]
    """Organizations in mode off or shadow: no handler would run."""
    is_capped: bool = False
    """True if more messages match than are counted."""


def preview_replay(selection: Selection) -> ReplayPreview:
    """Count up to MAX_COUNTED messages of the bounded selection, and change nothing."""
    looked_at = selection.bounded().filter(FINISHED).order_by().values("pk")[:MAX_COUNTED]
    kinds = (
        ProcessedMessage.objects.filter(pk__in=looked_at)
        .order_by()
        .annotate(is_readable=ExpressionWrapper(READABLE, BooleanField()))
        .values_list("event_type", "organization_salesforce_id", "organization__mode", "is_readable")
        .annotate(Count("pk"), Min("finished_at"), Max("finished_at"))
    )
    by_type: Counter[str] = Counter()
    redacted, ends, not_live = 0, [], set()
    for event_type, organization, mode, is_readable, count, first, last in kinds:
        if not is_readable:
            redacted += count
            continue
        by_type[event_type] += count
        ends += [first, last]
        if mode != Mode.LIVE:
            not_live.add(organization)
    return ReplayPreview(
        messages=by_type.total(),
        redacted=redacted,
        first=min(ends, default=None),
        last=max(ends, default=None),
        by_type=dict(sorted(by_type.items())),
        without_handler=tuple(name for name in sorted(by_type) if not _is_handled(name)),
        not_live=tuple(sorted(not_live)),
        is_capped=by_type.total() + redacted >= MAX_COUNTED,
    )


def _is_handled(event_type: str) -> bool:
    return event_type in conf.get_settings().event_types and find_handler(event_type) is not None


MAX_PREDICTED = 500
"""Messages that a prediction reads, the newest."""


@dataclasses.dataclass(frozen=True, slots=True)
class Prediction:
    """What would happen to a sample of messages."""

    read: int
    would: dict[str, int]
    """What would happen -> number of messages."""


def predict(operation: Operation, selection: Selection, most: int = MAX_PREDICTED) -> Prediction:
    """Read the newest eligible messages, and decide which handler would run."""
    rows = find_newest(operation.filter_eligible(selection.bounded()), most).select_related("organization")
    would = Counter(map(_predict_message, rows))
    return Prediction(would.total(), dict(would.most_common()))


def _predict_message(message: ProcessedMessage) -> str:
    settings = conf.get_settings()
    if message.event_type not in settings.live_types():
        return "no worker takes its type: it is not in EVENT_TYPES"
    if message.is_pointer:
        return "fetch what it points at"
    try:
        message.to_event()
    except (KeyError, TypeError, ValueError):
        return "cannot be read by this release"
    plan = make_plan(message, settings)
    if plan.handler is not None:
        return f"call {plan.handler.name}"
    if not plan.merges:
        return f"be {plan.status}: {plan.reason}"
    return f"be merged only{': ' + plan.reason if plan.reason else ', nothing handles it'}"
