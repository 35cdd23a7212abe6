"""The monolith's own tables in the admin."""

from __future__ import annotations

from django.contrib import admin

from project.admissions.models import AppliedEvent, Attachment, LineItem, Opportunity


@admin.register(Opportunity)
class OpportunityAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Applications."""

    list_display = ("record_id", "organization", "name", "stage", "amount", "close_date")
    list_filter = ("stage", "organization")
    search_fields = ("record_id", "name")


@admin.register(Attachment)
class AttachmentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Documents."""

    list_display = ("record_id", "organization", "title", "location", "checksum")
    list_filter = ("organization",)
    search_fields = ("record_id", "title")


@admin.register(LineItem)
class LineItemAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Line items."""

    list_display = ("record_id", "organization", "opportunity_id", "product", "quantity", "unit_price")
    list_filter = ("product", "organization")
    search_fields = ("record_id", "opportunity_id")


@admin.register(AppliedEvent)
class AppliedEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """The ledger."""

    list_display = ("event_type", "record_id", "organization", "attempt", "applied_at")
    list_filter = ("event_type", "attempt")
    search_fields = ("record_id", "idempotency_key")
