"""The inbox: the list, the page that follows one message, and what an operator can do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from passport_events.admin import filters, message_page
from passport_events.admin.confirmation import RowAction, RowActions
from passport_events.admin.failures import FailurePages
from passport_events.admin.filters import EventTypeFilter, OrganizationFilter, StatusFilter
from passport_events.admin.links import build_replay_url
from passport_events.admin.payload import RevealingAdmin, ShownPayload
from passport_events.exceptions import NothingToDo
from passport_events.models import ProcessedMessage, Progress
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import DISCARD, MAX_IDS, RESTORE, RETRY, Operation
from passport_events.operating.selection import Selection
from passport_events.operating.text import format_line


def _build_row_action(operation: Operation) -> RowAction:
    def run(rows: QuerySet[ProcessedMessage], actor: Actor, reason: str) -> int | None:
        ids = tuple(rows.order_by("pk").values_list("pk", flat=True)[:MAX_IDS])
        try:
            action = runner.submit(operation, Selection(ids=ids), actor, reason) if ids else None
        except NothingToDo:
            return 0
        if action is None:
            return 0
        return action.affected if action.progress == Progress.DONE else None

    return RowAction(operation=operation, eligible=operation.eligible, run=run)


@admin.register(ProcessedMessage)
class MessageAdmin(FailurePages, RowActions[ProcessedMessage], RevealingAdmin[ProcessedMessage]):
    """Messages."""

    row_actions = tuple(map(_build_row_action, (RETRY, DISCARD, RESTORE)))
    page_template = "passport_events/admin/message.html"
    list_display = (
        "number",
        "state",
        "why",
        "event_type",
        "record_id",
        "organization",
        "attempts",
        "due_at",
        "finished_at",
    )
    list_filter = (StatusFilter, EventTypeFilter, OrganizationFilter)
    link_lookups = ("fingerprint", "organization_salesforce_id", "record_id")
    list_select_related = ("organization",)
    ordering = ("-pk",)
    search_fields = ("record_id",)  # shows the box; what it means is in `search`
    search_help_text = filters.HELP
    sortable_by: ClassVar[tuple[str, ...]] = ()  # other orders have no index

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProcessedMessage]:
        return super().get_queryset(request).defer("content", "merged")  # large, and not in the list

    def search(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(filters.search_messages(text)) if text else queryset), False

    @admin.display(description=_("ID"))
    def number(self, message: ProcessedMessage) -> str:
        return str(message.pk)  # as the search reads it: not grouped by thousands

    @admin.display(description=_("status"))
    def state(self, message: ProcessedMessage) -> SafeString:
        return format_html('<span class="passport-status passport-{0}">{0}</span>', message.status)

    @admin.display(description=_("reason"))
    def why(self, message: ProcessedMessage) -> str:
        return format_line(message.reason, 80)

    def content(self, row: ProcessedMessage, payload: ShownPayload, request: HttpRequest) -> dict[str, Any]:
        message = ProcessedMessage.objects.select_related("delivery", "organization").get(pk=row.pk)
        return {
            "buttons": self.list_buttons(request, message),
            "alike_url": build_replay_url(self, request, message),
            **message_page.build_context(self, message, payload, request),
        }
