"""The mirror: what we believe of each Salesforce record, and why."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from passport_events.admin import filters
from passport_events.admin.pagination import get_part, limit_names
from passport_events.admin.payload import RevealingAdmin, ShownPayload
from passport_events.clock import convert_to_database
from passport_events.models import ProcessedMessage, SalesforceRecord
from passport_events.models.personal_data import get_masked_columns
from passport_events.operating.blame import MAX_LATE, FieldBlame, LateMessage, Origin, explain_record
from passport_events.operating.text import format_line


@admin.register(SalesforceRecord)
class RecordAdmin(RevealingAdmin[SalesforceRecord]):
    """Records."""

    page_template = "passport_events/admin/record.html"
    list_display = (
        "record_id",
        "kind",
        "organization",
        "is_deleted",
        "is_complete",
        "needs_refetch",
        "updated_at",
    )
    list_filter = ("is_deleted", "is_complete", "needs_refetch")
    list_select_related = ("organization",)
    ordering = ("-pk",)
    search_fields = ("record_id",)  # shows the box; what it means is in `search`
    search_help_text = _("Complete Salesforce record ID, 15 or 18 characters.")
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[SalesforceRecord]:
        return super().get_queryset(request).defer(*get_masked_columns(SalesforceRecord))

    def search(self, request: HttpRequest, queryset: QuerySet[Any], text: str) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(filters.search_records(text)) if text else queryset), False

    @admin.display(description=_("entity"))
    def kind(self, record: SalesforceRecord) -> str:
        return format_line(record.entity)

    def content(self, row: SalesforceRecord, payload: ShownPayload, request: HttpRequest) -> dict[str, Any]:
        record = SalesforceRecord.objects.select_related("organization").get(pk=row.pk)
        found = explain_record(record)
        fields = get_part(request, "fields", found.fields)
        # No template gets the record: it would ask `record["record_id"]`, which is a field in Salesforce.
        return {
            "record_id": record.record_id,
            "entity": format_line(record.entity),
            "is_deleted": record.is_deleted,
            "is_complete": record.is_complete,
            "organization": record.organization,
            "floor_change": found.floor_change,
            "refetch_reasons": found.refetch_reasons,
            "part": fields,
            "fields": [self._field(field, payload) for field in fields.rows],
            "floor": self._origin(found.floor) if found.floor else None,
            "late": [self._late(late) for late in found.late],
            "late_cap": MAX_LATE if len(found.late) == MAX_LATE else 0,
            "organization_url": self.url_of(record.organization),
            "messages_url": self.list_url(ProcessedMessage, urlencode({"q": record.record_id})),
        }

    def _field(self, field: FieldBlame, payload: ShownPayload) -> dict[str, Any]:
        value = "" if field.is_unknown else payload.value(field.value)
        return {"name": format_line(field.name), "value": value, "field": field, **self._origin(field.origin)}

    def _late(self, late: LateMessage) -> dict[str, Any]:
        return {"late": late, "lost": limit_names(late.lost), **self._origin(Origin(late.message, late.time))}

    def _origin(self, origin: Origin) -> dict[str, Any]:
        url = self.url_of(ProcessedMessage(pk=origin.message)) if origin.message else ""
        return {"message": origin.message, "url": url, "time": convert_to_database(origin.time)}
