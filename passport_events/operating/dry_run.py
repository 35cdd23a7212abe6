"""Asking of messages what would become of them now, without running anything."""

from __future__ import annotations

import dataclasses
from collections import Counter

from passport_events import conf
from passport_events.handling.plan import plan_for
from passport_events.models import ProcessedMessage
from passport_events.operating.changes import Change
from passport_events.operating.selection import Selection, newest

MOST_READ = 500
"""Messages that are really read; the newest."""


@dataclasses.dataclass(frozen=True, slots=True)
class DryRun:
    """What would become of a sample."""

    read: int
    would: dict[str, int]
    """What would happen -> to how many of them."""


def dry_run(change: Change, selection: Selection, most: int = MOST_READ) -> DryRun:
    """Read the newest messages that `change` means, and see who would handle them."""
    rows = newest(change.eligible(selection.at_a_glance()), most).select_related("organization")
    would = Counter(map(_would, rows))
    return DryRun(would.total(), dict(would.most_common()))


def _would(message: ProcessedMessage) -> str:
    settings = conf.current()
    if message.event_type not in settings.live_types():
        return "no worker takes its type: it is not in EVENT_TYPES"
    if message.is_pointer:
        return "fetch what it points at"
    try:
        message.to_event()
    except (KeyError, TypeError, ValueError):
        return "cannot be read by this release"
    plan = plan_for(message, settings)
    if plan.handler is not None:
        return f"call {plan.handler.name}"
    if not plan.merges:
        return f"be {plan.status}: {plan.reason}"
    return f"be merged only{': ' + plan.reason if plan.reason else ', nothing handles it'}"
