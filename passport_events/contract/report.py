"""What the checker found, for people and for programs. Names and ids, never a value of a payload."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from passport_events.contract.check import LISTS_EVERY_PROBLEM, Checked
from passport_events.event import Event
from passport_events.wire.json_fields import safe_name

_FIRST_ONLY = (
    "Here is at most one problem of each message: "
    "pip install django-passport-events[contract] lists every problem."
)
NOTES = () if LISTS_EVERY_PROBLEM else (_FIRST_ONLY,)
"""What has to be said about a report as a whole."""


def lines(checked: Checked) -> Iterator[str]:
    """One payload, for people."""
    yield f"{place(checked)}: {checked.wire_format}: {_summary(checked)}"
    for event in checked.events:
        yield from _event_lines(event)
    yield from (f"  {violation}" for violation in violations(checked))


def facts(checked: Checked) -> dict[str, Any]:
    """One payload, for programs."""
    events = [_event_facts(event) for event in checked.events]
    what = {"format": checked.wire_format, "events": events, "heartbeat_of": checked.heartbeat_of or None}
    return {**faults(checked), **what}


def place(checked: Checked) -> str:
    """Where it stands, for people."""
    message = f", message {checked.message}" if checked.message else ""
    return f"line {checked.payload.line}{message}"


def violations(checked: Checked) -> Iterator[str]:
    """All that is wrong, for people: the reader's refusal first."""
    if checked.refusal is not None:
        yield str(checked.refusal)
    yield from map(str, checked.problems)


def faults(checked: Checked) -> dict[str, Any]:
    """Where it stands and all that is wrong, for programs."""
    refusal = checked.refusal
    return {
        "line": checked.payload.line,
        "message": checked.message or None,
        "refusal": None if refusal is None else {"reason": refusal.reason, "detail": refusal.detail},
        "problems": [dataclasses.asdict(problem) for problem in checked.problems],
    }


def _summary(checked: Checked) -> str:
    if checked.refusal is not None:
        return "refused"
    if checked.heartbeat_of:
        return f"the heartbeat of organization {checked.heartbeat_of}"
    if not checked.events:
        return "no event of its own"
    return "1 event" if len(checked.events) == 1 else f"{len(checked.events)} events"


def _event_lines(event: Event) -> Iterator[str]:
    gap = ", a gap: the record has to be read again" if event.is_gap else ""
    yield f"  {event.event_type} {event.change}: {event.entity} {event.record_id}{gap}"
    yield f"    organization {event.organization}"
    yield f"    version {event.version.kind} {event.version.value}, identity {event.identity.strength}"
    for title, fields in (("fields", event.fields), ("without a value", event.missing)):
        if fields:
            yield f"    {title}: {', '.join(_names(fields))}"


def _event_facts(event: Event) -> dict[str, Any]:
    return {
        "event_type": event.event_type,
        "change": event.change.value,
        "is_gap": event.is_gap,
        "entity": event.entity,
        "record_id": event.record_id,
        "organization": event.organization,
        "version": {"kind": event.version.kind.value, "value": event.version.value},
        "identity": event.identity.strength,
        "fields": _names(event.fields),
        "missing": _names(event.missing),
    }


def _names(leaves: Iterable[str]) -> list[str]:
    """Somebody may have used data as names; what is no API name is not shown."""
    return sorted(".".join(map(safe_name, leaf.split("."))) for leaf in leaves)
