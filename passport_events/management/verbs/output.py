"""What verbs write: a counter for long work, and messages as a table or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.core.management.base import OutputWrapper

from passport_events.models import ProcessedMessage
from passport_events.operating.text import format_line

COLUMNS = (
    ("id", 10),
    ("status", 11),
    ("event_type", 14),
    ("organization", 18),
    ("record", 18),
    ("attempts", 8),
    ("reason", 0),
)


class Counter:
    """Counts on a terminal's standard error, so that standard output has the report alone."""

    def __init__(self, total: int | None, what: str) -> None:
        """`total` is None if it is not known."""
        self._total = "" if total is None else f" of {total:,}"
        self._what = what
        self._is_shown = sys.stderr.isatty() and total != 0

    def show(self, done: int) -> None:
        """Replace the number."""
        if self._is_shown:
            self._write(f"\r{done:,}{self._total} {self._what}")

    def end(self) -> None:
        """End the line."""
        if self._is_shown:
            self._write("\n")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the work goes on if the terminal was closed
            sys.stderr.write(text)
            sys.stderr.flush()


def write_messages(out: OutputWrapper, messages: Iterable[ProcessedMessage], *, as_json: bool) -> int:
    """Write a line for each message, without its payload; returns how many."""
    count = 0
    for count, message in enumerate(messages, 1):
        if count == 1 and not as_json:
            out.write(_format_row({name: name for name, _ in COLUMNS}))
        facts = describe_message(message)
        out.write(json.dumps(facts) if as_json else _format_row(facts))
    return count


def describe_message(message: ProcessedMessage) -> dict[str, Any]:
    """The columns of a message, without its payload."""
    return {
        "id": message.pk,
        "status": message.status,
        "event_type": message.event_type,
        "organization": message.organization_salesforce_id,
        "record": message.record_id,
        "attempts": message.attempts,
        "reason": message.reason,
        "due_at": message.due_at.isoformat() if message.due_at else None,
        "finished_at": message.finished_at.isoformat() if message.finished_at else None,
    }


def _format_row(facts: dict[str, Any]) -> str:
    return "  ".join(f"{format_line(facts[name]):{width}}" for name, width in COLUMNS).rstrip()
