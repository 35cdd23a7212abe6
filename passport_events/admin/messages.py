"""The inbox: the list, the page that follows one message, and what an operator can do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from passport_events.admin import search
from passport_events.admin.base import ReadOnlyAdmin
from passport_events.admin.confirmed import ConfirmedAction, ConfirmedActions
from passport_events.admin.filters import EventTypeFilter, StatusFilter
from passport_events.admin.payload import Payload
from passport_events.admin.timeline import timeline
from passport_events.clock import to_database
from passport_events.models import ProcessedMessage, SalesforceRecord
from passport_events.operating import dead_letters
from passport_events.operating.blame import version_time
from passport_events.operating.text import one_line

MOST_ATTEMPTS = 100

RETRY = ConfirmedAction(
    name="retry",
    label="Retry",
    permission="passport_events.retry_message",
    meaning="Sent back to the handler with all attempts, and due at once. The idempotency key stays the "
    "same. Whether it was handled, the status says afterwards.",
    done="sent back",
    eligible=lambda rows: rows.filter(dead_letters.RETRYABLE),
    run=dead_letters.retry,
)
DISCARD = ConfirmedAction(
    name="discard",
    label="Discard",
    permission="passport_events.discard_message",
    meaning="Nobody will handle what is discarded. It can be restored until it is purged.",
    done="discarded",
    eligible=lambda rows: rows.filter(dead_letters.DISCARDABLE),
    run=dead_letters.discard,
)
RESTORE = ConfirmedAction(
    name="restore",
    label="Restore",
    permission="passport_events.discard_message",
    meaning="What was a dead letter becomes one again; what was quarantined, too.",
    done="restored",
    eligible=lambda rows: rows.filter(dead_letters.RESTORABLE),
    run=dead_letters.restore,
    needs_reason=False,
)


@admin.register(ProcessedMessage)
class MessageAdmin(ConfirmedActions[ProcessedMessage], ReadOnlyAdmin[ProcessedMessage]):
    """Messages."""

    confirmed_actions = (RETRY, DISCARD, RESTORE)
    page_template = "passport_events/admin/message.html"
    list_display = (
        "id",
        "state",
        "why",
        "event_type",
        "record_id",
        "organization",
        "attempts",
        "due_at",
        "finished_at",
    )
    list_filter = (StatusFilter, EventTypeFilter, "organization")
    list_select_related = ("organization",)
    ordering = ("-pk",)
    search_fields = ("record_id",)  # shows the box; what it means is in `search`
    search_help_text = search.HELP
    sortable_by: ClassVar[tuple[str, ...]] = ()  # other orders have no index

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcessedMessage]:
        return super().get_queryset(request).defer("content", "merged")  # large, and not in the list

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return (queryset.filter(search.of_messages(text)) if text else queryset), False

    @admin.display(description="status")
    def state(self, message: ProcessedMessage) -> SafeString:
        return format_html('<span class="passport-status passport-{0}">{0}</span>', message.status)

    @admin.display(description="reason")
    def why(self, message: ProcessedMessage) -> str:
        return one_line(message.reason, 80)

    def page_context(self, request: HttpRequest, row: ProcessedMessage) -> dict[str, Any]:
        message = ProcessedMessage.objects.select_related("delivery", "organization").get(pk=row.pk)
        payload = Payload.of_request(request)
        content, merged = message.content, message.merged
        return {
            "message": message,
            "reason": one_line(message.reason),
            "entity": one_line(message.entity),
            "buttons": self.buttons(request, message),
            "version_time": to_database(version_time(message)) if message.version else None,
            "steps": timeline(
                message,
                list(message.failures.order_by("-pk")[:MOST_ATTEMPTS]),
                message.actions.order_by("pk"),
            ),
            "payload": payload,
            "values": payload.values(content if message.is_pointer else content.get("fields", {})),
            "missing": [one_line(name) for name in content.get("missing", ())],
            "content": {name: one_line(content.get(name, "")) for name in ("origin", "transaction")},
            "is_gap": content.get("is_gap", False),
            "wrote": [one_line(name) for name in merged.get("wrote", ())],
            "lost": [one_line(name) for name in merged.get("lost", ())],
            "is_stale": merged.get("stale", False),
            "was_merged": bool(merged),
            "record_url": self._record_url(message),
            "organization_url": self.url_of(message.organization) if message.organization else "",
            "delivery_url": self.url_of(message.delivery),
            "sqs_id": one_line(message.delivery.sqs_message_id),
            "sns_id": one_line(message.delivery.sns_message_id),
            "attributes": sorted(one_line(name) for name in message.delivery.attributes),
        }

    def _record_url(self, message: ProcessedMessage) -> str:
        record = SalesforceRecord.objects.filter(
            organization=message.organization_id, record_id=message.record_id
        ).only("pk")
        found = record.first()
        return self.url_of(found) if found else ""
