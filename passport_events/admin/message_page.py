"""What the page of one message shows: its way here, what happened to it, what it said and what it did."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest

from passport_events.admin.base import PassportModelAdmin
from passport_events.admin.contract_diff import compare_with_contract
from passport_events.admin.pagination import get_part, limit_names
from passport_events.admin.payload import ShownPayload
from passport_events.admin.timeline import build_timeline
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
MAX_STEPS = 25
"""Attempts, and operations, of one part of the timeline: each may have a long text and a traceback."""


def build_context(
    desk: PassportModelAdmin[ProcessedMessage],
    message: ProcessedMessage,
    payload: ShownPayload,
    request: HttpRequest,
) -> dict[str, Any]:
    """Everything, for the template. As many queries for any message."""
    attempts = get_part(request, "steps", message.failures.order_by("-pk"), MAX_STEPS)
    last = (
        attempts.rows[0]
        if attempts.first == 1 and attempts.rows
        else message.failures.order_by("-pk").first()
    )
    # Those that meant it alone, and the last that changed it among many.
    meant = Q(message=message) | Q(pk=message.last_action)
    actions = get_part(request, "steps", OperatorAction.objects.filter(meant).order_by("-pk"), MAX_STEPS)
    cause = explain_failure(message, last)
    is_retrying = message.status == Status.WAITING and message.attempts > 0
    return {
        "message": message,
        "retry_at": message.due_at if is_retrying else None,
        "reason": format_line(message.reason),
        "entity": format_line(message.entity),
        "version_time": convert_to_database(get_version_time(message)) if message.version else None,
        "release": format_line(message.release),
        "steps": build_timeline(message, attempts.rows, actions.rows),
        "steps_part": attempts if attempts.next_url or not actions.next_url else actions,
        "runbook_url": build_runbook_url(cause.error) if message.status not in ENDED_WELL else "",
        "error": format_line(cause.error),
        "trace_url": build_trace_url(message.delivery.trace_context),
        "group_url": desk.url("group", message.fingerprint) if message.fingerprint else "",
        "organization_url": desk.url_of(message.organization) if message.organization else "",
        "messages_url": desk.list_url(ProcessedMessage, urlencode({"q": message.record_id})),
        "difference": compare_with_contract(message.delivery) if message.delivery.body else None,
        **_build_payload_rows(message, payload, request),
        **_build_change_rows(desk, message, request),
        **_describe_route(desk, message),
    }


def _build_payload_rows(
    message: ProcessedMessage, payload: ShownPayload, request: HttpRequest
) -> dict[str, Any]:
    content = message.content
    fields = content if message.is_pointer else content.get("fields", {})
    part = get_part(request, "values", sorted(fields))
    return {
        "values": [(escape_invisible(name, 200), payload.value(fields[name])) for name in part.rows],
        "values_part": part,
        "missing": limit_names(content.get("missing", ())),
        "content": {name: format_line(content.get(name, "")) for name in ("origin", "transaction")},
        "is_gap": content.get("is_gap", False),
    }


def _build_change_rows(
    desk: PassportModelAdmin[ProcessedMessage], message: ProcessedMessage, request: HttpRequest
) -> dict[str, Any]:
    """What it wrote, and whether that is what the record says now."""
    merged = message.merged
    record = SalesforceRecord.objects.filter(
        organization=message.organization_id, record_id=message.record_id
    ).first()
    now = find_writers(record) if record else {}
    wrote = get_part(request, "wrote", merged.get("wrote", ()))
    return {
        "record_url": desk.url_of(record) if record else "",
        "wrote": [_list_written(desk, message, name, now) for name in wrote.rows],
        "wrote_part": wrote,
        "lost": limit_names(merged.get("lost", ())),
        "is_stale": merged.get("stale", False),
        "was_merged": bool(merged),
    }


def _list_written(
    desk: PassportModelAdmin[ProcessedMessage],
    message: ProcessedMessage,
    name: str,
    now: dict[str, int | None],
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


def _describe_route(desk: PassportModelAdmin[ProcessedMessage], message: ProcessedMessage) -> dict[str, Any]:
    delivery = message.delivery
    return {
        "delivery_url": desk.url_of(delivery),
        "sqs_id": format_line(delivery.sqs_message_id),
        "sns_id": format_line(delivery.sns_message_id),
        "attributes": limit_names(sorted(delivery.attributes)),
    }
