"""What operators did."""

from __future__ import annotations

from django.contrib import admin

from passport_events.admin.base import ReadOnlyAdmin
from passport_events.models import OperatorAction
from passport_events.operating.text import one_line


@admin.register(OperatorAction)
class OperatorActionAdmin(ReadOnlyAdmin[OperatorAction]):
    """Who did what to how many, when and why."""

    list_display = (
        "created_at",
        "kind",
        "who",
        "why",
        "affected",
        "event_type",
        "organization",
        "per_minute",
        "ended_at",
        "ended_by",
    )
    list_filter = ("kind",)
    list_select_related = ("organization",)
    ordering = ("-pk",)

    @admin.display(description="who")
    def who(self, action: OperatorAction) -> str:
        return one_line(action.actor_name)

    @admin.display(description="why")
    def why(self, action: OperatorAction) -> str:
        return one_line(action.reason)
