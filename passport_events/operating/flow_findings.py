"""Findings about flow controls: each pause and throttle in force, with operator, time and reason."""

from __future__ import annotations

from collections.abc import Iterator

from passport_events.clock import convert_from_database
from passport_events.models import ActionKind, OperatorAction
from passport_events.operating.finding import Code, Finding, well
from passport_events.operating.text import one_line


def assess_flow() -> Iterator[Finding]:
    """One finding for each control in force, the oldest first, or one that there is none. One query."""
    rows = OperatorAction.objects.in_force().select_related("organization").order_by("pk")
    found = [_describe(row) for row in rows]
    yield from found or [well("flow", "Nothing is paused or throttled.")]


def _describe(action: OperatorAction) -> Finding:
    types = f"--type {action.event_type}" if action.event_type else ""
    home = f"--organization {action.organization.salesforce_id}" if action.organization else ""
    what = one_line(action.event_type) or "every event type"
    whose = one_line(action.organization.name) if action.organization else "every organization"
    since = convert_from_database(action.created_at)
    who = f"since {since:%Y-%m-%d %H:%M %Z} by {one_line(action.actor_name)}"
    why = f": {one_line(action.reason)}" if action.reason else ""
    flags = " ".join(part for part in (types, home) if part)
    if action.kind == ActionKind.PAUSE:
        text = f"Handling of {what} of {whose} is paused {who}{why}."
        return Finding(
            f"pause {action.pk}",
            Code.PAUSED,
            text,
            f"End it: manage.py passport resume {flags}".strip() + ".",
        )
    text = f"Handling of {what} of {whose} is throttled to {action.per_minute} a minute {who}{why}."
    hint = f"End it: manage.py passport throttle --end {flags}".strip() + "."
    return Finding(f"throttle {action.pk}", Code.THROTTLED, text, hint)
