"""Export messages: CSV for spreadsheets, JSON lines for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from passport_events import exact_json
from passport_events.clock import ClockTimestamp
from passport_events.exceptions import OperationRefused
from passport_events.models import ActionKind, OperatorAction, ProcessedMessage
from passport_events.models.personal_data import is_exportable
from passport_events.operating import audit_log
from passport_events.operating.audit_log import Actor
from passport_events.operating.selection import Selection
from passport_events.operating.text import escape_invisible

MAX_EXPORTED = 50_000
PAGE_SIZE = 1_000
CSV, JSON_LINES = "csv", "jsonl"
FORMATS = (CSV, JSON_LINES)
COLUMNS = {
    "id": "pk",
    "status": "status",
    "reason": "reason",
    "fingerprint": "fingerprint",
    "event_type": "event_type",
    "organization": "organization_salesforce_id",
    "entity": "entity",
    "record": "record_id",
    "change": "change",
    "version": "version",
    "attempts": "attempts",
    "generation": "generation",
    "release": "release",
    "received_at": "delivery__received_at",
    "due_at": "due_at",
    "claimed_at": "claimed_at",
    "finished_at": "finished_at",
    "dedup_key": "dedup_key",
    "content": "content",
}
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""First characters of a formula. Some spreadsheets convert the wide ones to ASCII."""


def export_messages(
    selection: Selection,
    form: str,
    actor: Actor,
    reason: str = "",
    *,
    with_payload: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[str]:
    """Lines of a file, the oldest message first, at most MAX_EXPORTED. Raises OperationRefused.

    The audit log entry is committed before the first line, and gets the count at the end.
    """
    if form not in FORMATS:
        raise OperationRefused(f"A file is one of {', '.join(FORMATS)}.")
    messages = selection.messages()
    what = f"{form} with payload" if with_payload else form
    with transaction.atomic(using=audit_log.get_database_alias()):
        action = audit_log.add_entry(
            ActionKind.EXPORT,
            actor,
            reason=f"{what}: {reason}".rstrip(": "),
            event_type=selection.event_type,
            fingerprint=selection.fingerprint,
            selection=selection.to_json(),
        )
        audit_log.announce(ActionKind.EXPORT, actor)
    columns = {
        name: column
        for name, column in COLUMNS.items()
        if is_exportable(ProcessedMessage, column, with_payload=with_payload)
    }
    line = _format_csv if form == CSV else _format_json
    header = _format_csv({name: name for name in columns}) if form == CSV else ""
    return _generate_lines(_read_rows(messages, columns), line, header, action, progress)


def _generate_lines(
    rows: Iterator[dict[str, Any]],
    line: Callable[[dict[str, Any]], str],
    header: str,
    action: OperatorAction,
    progress: Callable[[int], None],
) -> Iterator[str]:
    count = 0
    try:
        if header:
            yield header
        for row in rows:
            yield line(row)
            count += 1
            progress(count)
    finally:
        # Also if the download was aborted.
        OperatorAction.objects.filter(pk=action.pk).update(affected=count, ended_at=ClockTimestamp())


def _read_rows(messages: Any, columns: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Page by primary key: a database cursor would keep a transaction open during the download."""
    last, left = 0, MAX_EXPORTED
    while left > 0:
        page = messages.filter(pk__gt=last).order_by("pk").values_list(*columns.values())
        found = list(page[: min(PAGE_SIZE, left)])
        if not found:
            return
        for values in found:
            yield dict(zip(columns, values, strict=True))
        left, last = left - len(found), found[-1][0]


def _format_csv(row: dict[str, Any]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(map(escape_cell, row.values()))
    return out.getvalue()


def _format_json(row: dict[str, Any]) -> str:
    return exact_json.dumps({name: _convert_value(value) for name, value in row.items()}) + "\n"


def escape_cell(value: Any) -> str:
    """A value as text that no spreadsheet runs as a formula."""
    text = (
        exact_json.dumps(value)
        if isinstance(value, dict)
        else escape_invisible("" if value is None else _convert_value(value))
    )
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text[:1] in ("\t", "\n") else text


def _convert_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
