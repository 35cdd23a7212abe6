"""Process heartbeats: signs of life of our own processes."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from passport_events.admin.base import ReadOnlyAdmin
from passport_events.clock import ClockTimestamp
from passport_events.models import Heartbeat
from passport_events.operating.text import format_duration


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin[Heartbeat]):
    """Processes and how long ago each gave a sign of life."""

    list_display = ("name", "kind", "age", "received_at", "committed_at", "started_at", "release")
    list_display_links = None
    ordering = ("-beaten_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Heartbeat]:
        return super().get_queryset(request).annotate(now=ClockTimestamp())

    @admin.display(description=_("last heartbeat"))
    def age(self, heartbeat: Heartbeat) -> str:
        return gettext("%(time)s ago") % {
            "time": format_duration(heartbeat.now - heartbeat.beaten_at)  # type: ignore[attr-defined]  # annotated above
        }
