"""What the page of one message shows: its way here, what happened to it, what it said and what it did."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest

from passport_events.admin.base import DeskAdmin
from passport_events.admin.difference import difference
from passport_events.admin.parts import part_of, some_names
from passport_events.admin.payload import Payload
from passport_events.admin.timeline import timeline
from passport_events.clock import convert_to_database
from passport_events.models import OperatorAction, ProcessedMessage, SalesforceRecord, Status
from passport_events.operating.blame import find_writers, get_version_time
from passport_events.operating.explain import (
    build_runbook_url,
    build_trace_url,
    explain_failure,
)
from passport_events.operating.text import escape_invisible, format_line

ENDED_WELL = (Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED)
STEPS = 25
"""Attempts, and operations, of one part of the timeline: each may have a long text and a traceback."""


def context_of(
    desk: DeskAdmin[ProcessedMessage], message: ProcessedMessage, payload: Payload, request: HttpRequest
) -> dict[str, Any]:
    """Everything, for the template. As many queries for any message."""
    attempts = part_of(request, "steps", message.failures.order_by("-pk"), STEPS)
    last = (
        attempts.rows[0]
        if attempts.first == 1 and attempts.rows
        else message.failures.order_by("-pk").first()
    )
    # Those that meant it alone, and the last that changed it among many.
    meant = Q(message=message) | Q(pk=message.last_action)
    actions = part_of(request, "steps", OperatorAction.objects.filter(meant).order_by("-pk"), STEPS)
    cause = explain_failure(message, last)
    is_retrying = message.status == Status.WAITING and message.attempts > 0
    return {
        "message": message,
        "retry_at": message.due_at if is_retrying else None,
        "reason": format_line(message.reason),
        "entity": format_line(message.entity),
        "version_time": convert_to_database(get_version_time(message)) if message.version else None,
        "release": format_line(message.release),
        "steps": timeline(message, attempts.rows, actions.rows),
        "steps_part": attempts if attempts.next_url or not actions.next_url else actions,
        "runbook_url": build_runbook_url(cause.error) if message.status not in ENDED_WELL else "",
        "error": format_line(cause.error),
        "trace_url": build_trace_url(message.delivery.trace_context),
        "group_url": desk.url("group", message.fingerprint) if message.fingerprint else "",
        "organization_url": desk.url_of(message.organization) if message.organization else "",
        "messages_url": desk.list_url(ProcessedMessage, urlencode({"q": message.record_id})),
        "difference": difference(message.delivery) if message.delivery.body else None,
        **_said(message, payload, request),
        **_did(desk, message, request),
        **_way_here(desk, message),
    }


def _said(message: ProcessedMessage, payload: Payload, request: HttpRequest) -> dict[str, Any]:
    content = message.content
    fields = content if message.is_pointer else content.get("fields", {})
    part = part_of(request, "values", sorted(fields))
    return {
        "values": [(escape_invisible(name, 200), payload.value(fields[name])) for name in part.rows],
        "values_part": part,
        "missing": some_names(content.get("missing", ())),
        "content": {name: format_line(content.get(name, "")) for name in ("origin", "transaction")},
        "is_gap": content.get("is_gap", False),
    }


def _did(
    desk: DeskAdmin[ProcessedMessage], message: ProcessedMessage, request: HttpRequest
) -> dict[str, Any]:
    """What it wrote, and whether that is what the record says now."""
    merged = message.merged
    record = SalesforceRecord.objects.filter(
        organization=message.organization_id, record_id=message.record_id
    ).first()
    now = find_writers(record) if record else {}
    wrote = part_of(request, "wrote", merged.get("wrote", ()))
    return {
        "record_url": desk.url_of(record) if record else "",
        "wrote": [_written(desk, message, name, now) for name in wrote.rows],
        "wrote_part": wrote,
        "lost": some_names(merged.get("lost", ())),
        "is_stale": merged.get("stale", False),
        "was_merged": bool(merged),
    }


def _written(
    desk: DeskAdmin[ProcessedMessage], message: ProcessedMessage, name: str, now: dict[str, int | None]
) -> dict[str, Any]:
    writer = now.get(name)
    url = desk.url_of(ProcessedMessage(pk=writer)) if writer and writer != message.pk else ""
    return {
        "name": format_line(name),
        "is_still": writer == message.pk,
        "is_gone": name not in now,
        "message": writer,
        "url": url,
    }


def _way_here(desk: DeskAdmin[ProcessedMessage], message: ProcessedMessage) -> dict[str, Any]:
    delivery = message.delivery
    return {
        "delivery_url": desk.url_of(delivery),
        "sqs_id": format_line(delivery.sqs_message_id),
        "sns_id": format_line(delivery.sns_message_id),
        "attributes": some_names(sorted(delivery.attributes)),
    }
