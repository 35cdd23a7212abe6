"""Messages as lines: for people, or as JSON for programs. Never what an event says."""

from __future__ import annotations

import json
from collections.abc import Iterable
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


def write(out: OutputWrapper, messages: Iterable[ProcessedMessage], *, as_json: bool) -> int:
    """Write them; returns how many there were."""
    count = 0
    for count, message in enumerate(messages, 1):
        if count == 1 and not as_json:
            out.write(_line({name: name for name, _ in COLUMNS}))
        facts = _facts(message)
        out.write(json.dumps(facts) if as_json else _line(facts))
    return count


def _facts(message: ProcessedMessage) -> dict[str, Any]:
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


def _line(facts: dict[str, Any]) -> str:
    return "  ".join(f"{format_line(facts[name]):{width}}" for name, width in COLUMNS).rstrip()
