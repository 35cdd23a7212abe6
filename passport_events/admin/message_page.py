"""What the page of one message shows: its way here, what happened to it, what it said and what it did."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q

from passport_events.admin.base import DeskAdmin
from passport_events.admin.difference import difference
from passport_events.admin.payload import Payload
from passport_events.admin.timeline import timeline
from passport_events.clock import to_database
from passport_events.models import OperatorAction, ProcessedMessage, SalesforceRecord
from passport_events.operating.blame import version_time, writers
from passport_events.operating.cause import cause_of
from passport_events.operating.links import runbook_url, trace_url
from passport_events.operating.text import one_line
from passport_events.operating.words import Word, said, word_of

MOST_ATTEMPTS = 100
MOST_ACTIONS = 200
MOST_NAMES = 200


def context_of(
    desk: DeskAdmin[ProcessedMessage], message: ProcessedMessage, payload: Payload
) -> dict[str, Any]:
    """Everything, for the template. As many queries for any message."""
    attempts = list(message.failures.order_by("-pk")[:MOST_ATTEMPTS])
    # Those that meant it alone, and the last that changed it among many.
    meant = Q(message=message) | Q(pk=message.last_action)
    actions = OperatorAction.objects.filter(meant).order_by("-pk")[:MOST_ACTIONS]
    cause = cause_of(message, attempts[0] if attempts else None)
    is_open = word_of(message.status) is not Word.DONE
    return {
        "message": message,
        "word": word_of(message.status),
        "said": said(message.status),
        "reason": one_line(message.reason),
        "entity": one_line(message.entity),
        "version_time": to_database(version_time(message)) if message.version else None,
        "release": one_line(message.release),
        "steps": timeline(message, attempts, actions),
        "runbook_url": runbook_url(cause.error) if is_open else "",
        "error": one_line(cause.error),
        "trace_url": trace_url(message.delivery.trace_context),
        "group_url": desk.url("group", message.fingerprint) if message.fingerprint else "",
        "organization_url": desk.url_of(message.organization) if message.organization else "",
        "messages_url": desk.list_url(ProcessedMessage, urlencode({"q": message.record_id})),
        "difference": difference(message.delivery) if message.delivery.body else None,
        **_said(message, payload),
        **_did(desk, message),
        **_way_here(desk, message),
    }


def _said(message: ProcessedMessage, payload: Payload) -> dict[str, Any]:
    content = message.content
    return {
        "values": payload.values(content if message.is_pointer else content.get("fields", {})),
        "missing": _names(content.get("missing", ())),
        "content": {name: one_line(content.get(name, "")) for name in ("origin", "transaction")},
        "is_gap": content.get("is_gap", False),
    }


def _did(desk: DeskAdmin[ProcessedMessage], message: ProcessedMessage) -> dict[str, Any]:
    """What it wrote, and whether that is what the record says now."""
    merged = message.merged
    record = SalesforceRecord.objects.filter(
        organization=message.organization_id, record_id=message.record_id
    ).first()
    now = writers(record) if record else {}
    return {
        "record_url": desk.url_of(record) if record else "",
        "wrote": [_written(desk, message, name, now) for name in merged.get("wrote", ())[:MOST_NAMES]],
        "lost": _names(merged.get("lost", ())),
        "is_stale": merged.get("stale", False),
        "was_merged": bool(merged),
    }


def _written(
    desk: DeskAdmin[ProcessedMessage], message: ProcessedMessage, name: str, now: dict[str, int | None]
) -> dict[str, Any]:
    writer = now.get(name)
    url = desk.url_of(ProcessedMessage(pk=writer)) if writer and writer != message.pk else ""
    return {
        "name": one_line(name),
        "is_still": writer == message.pk,
        "is_gone": name not in now,
        "message": writer,
        "url": url,
    }


def _way_here(desk: DeskAdmin[ProcessedMessage], message: ProcessedMessage) -> dict[str, Any]:
    delivery = message.delivery
    return {
        "delivery_url": desk.url_of(delivery),
        "sqs_id": one_line(delivery.sqs_message_id),
        "sns_id": one_line(delivery.sns_message_id),
        "attributes": _names(sorted(delivery.attributes)),
    }


def _names(names: Any) -> list[str]:
    return [one_line(name) for name in list(names)[:MOST_NAMES]]
