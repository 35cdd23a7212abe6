"""The dashboard among the admin's pages, and the same numbers as JSON."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext

from passport_events import conf
from passport_events.admin.base import ReadOnlyAdmin
from passport_events.admin.flow import build_flow_url
from passport_events.admin.pagination import MAX_CHOICES, get_part
from passport_events.monitoring.dashboard import Dashboard, read_dashboard
from passport_events.monitoring.dashboard.time_ranges import DEFAULT_RANGE, RANGES
from passport_events.monitoring.dashboard.warnings import find_warnings
from passport_events.monitoring.minute_counts import FigureScope
from passport_events.monitoring.models import Figures

PERMISSION = "passport_monitoring.view_dashboard"
PARTS = ("lines", "freshness", "outages", "processes", "flow_rules")
"""Lists of the dashboard of which the page shows one part; JSON has all."""


@admin.register(Figures)
class DashboardAdmin(ReadOnlyAdmin[Figures]):
    """Registered on the default site. On another one: `site.register(Figures, DashboardAdmin)`."""

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {
            "all": (
                "passport_events/admin.css",
                "passport_monitoring/uplot/uPlot.min.css",
                "passport_monitoring/dashboard.css",
            )
        }
        js = ("passport_monitoring/uplot/uPlot.iife.min.js", "passport_monitoring/dashboard.js")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who may see it finds it in the index."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Figures | None = None) -> bool:
        """A permission of its own, because nobody sees rows here."""
        return request.user.has_perm(PERMISSION)

    def get_urls(self) -> list[URLPattern]:
        """Two pages in place of a list and its rows."""
        views = (("", self.changelist_view, "changelist"), ("json/", self.json_view, "json"))
        return [
            path(where, self.admin_site.admin_view(view), name=self.url_name(name))
            for where, view, name in views
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page."""
        dashboard, scope = self._read(request)
        return self.page(
            request,
            "passport_monitoring/dashboard.html",
            title=gettext("Dashboard"),
            dashboard=dashboard,
            warnings=[warning.text for warning in find_warnings(dashboard)],
            parts={name: get_part(request, name, getattr(dashboard, name)) for name in PARTS},
            homes=dashboard.organizations if len(dashboard.organizations) <= MAX_CHOICES else {},
            ranges=RANGES.values(),
            event_types=conf.get_settings().live_types(),
            scope=scope,
            # As the template's filters show times.
            zone=timezone.get_current_timezone_name() if settings.USE_TZ else "UTC",
            flow_url=build_flow_url(self, request),
            json_url=f"{self.url('json')}?{request.GET.urlencode()}",
        )

    def json_view(self, request: HttpRequest) -> HttpResponse:
        """Everything that the page shows, and every line of it."""
        dashboard, _ = self._read(request)
        warnings = list(find_warnings(dashboard))
        texts, codes = [each.text for each in warnings], [each.code for each in warnings]
        return JsonResponse({**dataclasses.asdict(dashboard), "warnings": texts, "warning_codes": codes})

    def _read(self, request: HttpRequest) -> tuple[Dashboard, FigureScope]:
        if not self.has_view_permission(request) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        asked = request.GET
        scope = FigureScope(asked.get("type", "")[:64], asked.get("organization", "")[:18])
        return read_dashboard(RANGES.get(asked.get("range", ""), DEFAULT_RANGE), scope), scope
