"""What the checker found, for people and for programs. Names and ids, never a value of a payload."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from passport_events.contract.check import LISTS_EVERY_PROBLEM, Checked
from passport_events.event import Event
from passport_events.standard_streams import OutputError, discard_output
from passport_events.wire.json_fields import safe_name

_FIRST_PROBLEM_NOTE = (
    "Here is at most one problem of each message: "
    "pip install django-passport-events[contract] lists every problem."
)
NOTES = () if LISTS_EVERY_PROBLEM else (_FIRST_PROBLEM_NOTE,)
"""What has to be said about a report as a whole."""


def format_lines(checked: Checked) -> Iterator[str]:
    """One payload, for people."""
    yield f"{format_place(checked)}: {checked.wire_format}: {_summarize(checked)}"
    for event in checked.events:
        yield from _format_event_lines(event)
    yield from (f"  {violation}" for violation in iterate_violations(checked))


def build_facts(checked: Checked) -> dict[str, Any]:
    """One payload, for programs."""
    events = [_build_event_facts(event) for event in checked.events]
    what = {"format": checked.wire_format, "events": events, "heartbeat_of": checked.heartbeat_of or None}
    return {**build_faults(checked), **what}


def format_place(checked: Checked) -> str:
    """Where it stands, for people."""
    message = f", message {checked.message}" if checked.message else ""
    return f"line {checked.payload.line}{message}"


def iterate_violations(checked: Checked) -> Iterator[str]:
    """All that is wrong, for people: the reader's refusal first."""
    if checked.refusal is not None:
        yield str(checked.refusal)
    yield from map(str, checked.problems)


def build_faults(checked: Checked) -> dict[str, Any]:
    """Where it stands and all that is wrong, for programs."""
    refusal = checked.refusal
    return {
        "line": checked.payload.line,
        "message": checked.message or None,
        "refusal": None if refusal is None else {"reason": refusal.reason, "detail": refusal.detail},
        "problems": [dataclasses.asdict(problem) for problem in checked.problems],
    }


def _summarize(checked: Checked) -> str:
    if checked.refusal is not None:
        return "refused"
    if checked.heartbeat_of:
        return f"the heartbeat of organization {checked.heartbeat_of}"
    if not checked.events:
        return "no event of its own"
    return "1 event" if len(checked.events) == 1 else f"{len(checked.events)} events"


def _format_event_lines(event: Event) -> Iterator[str]:
    gap = ", a gap: the record has to be read again" if event.is_gap else ""
    yield f"  {event.event_type} {event.change}: {event.entity} {event.record_id}{gap}"
    yield f"    organization {event.organization}"
    yield f"    version {event.version.kind} {event.version.value}, identity {event.identity.strength}"
    for title, fields in (("fields", event.fields), ("without a value", event.missing)):
        if fields:
            yield f"    {title}: {', '.join(_format_names(fields))}"


def _build_event_facts(event: Event) -> dict[str, Any]:
    return {
        "event_type": event.event_type,
        "change": event.change.value,
        "is_gap": event.is_gap,
        "entity": event.entity,
        "record_id": event.record_id,
        "organization": event.organization,
        "version": {"kind": event.version.kind.value, "value": event.version.value},
        "identity": event.identity.strength,
        "fields": _format_names(event.fields),
        "missing": _format_names(event.missing),
    }


def _format_names(leaves: Iterable[str]) -> list[str]:
    """Somebody may have used data as names; what is no API name is not shown."""
    return sorted(".".join(map(safe_name, leaf.split("."))) for leaf in leaves)


class ReportWriter:
    """Lines while the payloads are checked, or one JSON document at the end.

    It falls silent when whoever reads has seen enough; the exit code still speaks for every payload.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.count = 0
        self.in_trouble = 0
        self._as_json = as_json
        self._facts: list[dict[str, Any]] = []
        self._is_read = True

    def show(self, checked: Checked) -> None:
        """Report one payload."""
        self.count += 1
        self.in_trouble += not checked.is_well
        if self._as_json:
            self._facts.append(build_facts(checked))
        else:
            self._write(format_lines(checked))

    def end(self) -> None:
        """Say what it comes to."""
        if self._as_json:
            document = {"ok": not self.in_trouble, "notes": NOTES, "payloads": self._facts}
            self._write([json.dumps(document)])
        else:
            well = self.count - self.in_trouble
            self._write([*NOTES, f"{self.count} checked: {well} well, {self.in_trouble} in trouble"])
        self._flush()

    def _write(self, lines: Iterable[str]) -> None:
        try:
            for line in lines:
                if self._is_read:
                    sys.stdout.write(f"{line}\n")
        except OutputError as error:
            self._fall_silent(error)

    def _flush(self) -> None:
        try:
            sys.stdout.flush()
        except OutputError as error:
            self._fall_silent(error)

    def _fall_silent(self, error: OutputError) -> None:
        if not error.is_closed:
            raise error
        self._is_read = False
        discard_output(sys.stdout)
