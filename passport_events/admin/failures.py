"""The desk: what needs a person, in groups; and the messages of one group."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from passport_events import conf
from passport_events.admin import failure_rows, filters, group_buttons, links
from passport_events.admin.base import PassportModelAdmin
from passport_events.admin.flow import build_flow_url
from passport_events.admin.pagination import MAX_CHOICES
from passport_events.admin.query_parameters import QueryParameters
from passport_events.models import MessageAttempt, ProcessedMessage, SalesforceOrganization
from passport_events.operating import failure_groups, health
from passport_events.operating.backlog import list_backlog
from passport_events.operating.explain import build_runbook_url
from passport_events.operating.failure_groups import GroupFilter
from passport_events.operating.selection import parse_id
from passport_events.operating.text import format_line

COLUMNS = (
    ("", _("Error")),
    ("count", _("Messages")),
    ("hour", _("Last 6 hours")),
    ("first", _("First seen")),
    ("last", _("Last seen")),
    ("", _("Organizations")),
    ("", _("Release")),
)
UNGROUPED = "none"
"""In an address, for messages without a fingerprint."""


class FailurePages(PassportModelAdmin[ProcessedMessage]):
    """Adds both pages to the admin of messages."""

    change_list_template: ClassVar[str] = "passport_events/admin/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("failures/", view(self.failures_view), name=self.url_name("failures")),
            path("failures/<str:fingerprint>/", view(self.group_view), name=self.url_name("group")),
            *super().get_urls(),
        ]

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        return super().page(request, template, **{"failures_url": self.url("failures"), **context})

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        window = filters.WINDOW if filters.is_windowed(request) else 0
        extra = {"failures_url": self.url("failures"), "window": window, **(extra_context or {})}
        return super().changelist_view(request, extra)

    def group_url(self, fingerprint: str) -> str:
        """The page of a group. It stays the same for as long as its messages are kept."""
        return self.url("group", fingerprint or UNGROUPED)

    def failures_view(self, request: HttpRequest) -> HttpResponse:
        """Everything that needs a person, by what went wrong. As many queries for any number of rows."""
        self._may_look(request)
        asked = QueryParameters.from_request(request)
        wanted = GroupFilter(event_type=asked.event_type, organization=asked.organization)
        found = failure_groups.find_groups(wanted, asked.order, asked.page)
        homes = dict(SalesforceOrganization.objects.values_list("salesforce_id", "name"))
        return self.page(
            request,
            "passport_events/admin/failures.html",
            title=gettext("Failed messages"),
            failures_url="",
            rows=failure_rows.build_rows(found.groups, homes, self.group_url),
            waiting=failure_rows.find_backlog(list_backlog(asked.event_type)) if asked.page == 1 else [],
            poller=health.check_poller(),
            flow_url=build_flow_url(self, request),
            asked=asked,
            is_filtered=bool(asked.event_type or asked.organization),
            cap=failure_groups.MAX_GROUPED_MESSAGES if found.is_capped else 0,
            columns=[
                {
                    "name": name,
                    "label": label,
                    "url": asked.query(order=name),
                    "is_sorted": name == asked.order,
                }
                for name, label in COLUMNS
            ],
            types=conf.get_settings().live_types(),
            homes=sorted(homes.items(), key=lambda home: home[1].casefold())
            if len(homes) <= MAX_CHOICES
            else [],
            next_url=asked.query(page=asked.page + 1) if found.has_more else "",
            previous_url=asked.query(page=asked.page - 1) if asked.page > 1 else "",
        )

    def group_view(self, request: HttpRequest, fingerprint: str) -> HttpResponse:
        """One group: what went wrong, and its messages, the newest first."""
        self._may_look(request)
        own = "" if fingerprint == UNGROUPED else fingerprint
        statuses = failure_groups.count_statuses(own)
        if not statuses:
            raise Http404
        wanted = GroupFilter(fingerprint=own)
        found = failure_groups.find_groups(wanted)
        homes = dict(SalesforceOrganization.objects.values_list("salesforce_id", "name"))
        rows = failure_rows.build_rows(found.groups, homes, self.group_url)
        before = parse_id(request.GET.get("before", ""))
        members = list(
            failure_groups.list_members(own, before)
            .select_related("organization")
            .defer("content", "merged")[: failure_groups.PAGE_SIZE + 1]
        )
        row = rows[0] if rows else None
        shown = members[: failure_groups.PAGE_SIZE]
        return self.page(
            request,
            "passport_events/admin/group.html",
            title=row.error if row else _get_resolved_title(own),
            row=row,
            cap=failure_groups.MAX_GROUPED_MESSAGES if found.is_capped else 0,
            fingerprint=own,
            runbook_url=build_runbook_url(row.cause.error) if row else "",
            adding=links.list_unknown_organizations(self, request, row.group.organizations, homes)
            if row
            else [],
            stands=[{"status": status, "count": count} for status, count in sorted(statuses.items())],
            members=[{"message": message, "url": self.url_of(message)} for message in shown],
            newest_url=self.group_url(own) if before else "",
            older_url=f"?before={shown[-1].pk}" if len(members) > failure_groups.PAGE_SIZE else "",
            select_url=self.list_url(ProcessedMessage, urlencode({"fingerprint": own})),
            **group_buttons.build_context(self, request, own, statuses, row.group.event_types if row else ()),
        )

    def _may_look(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied


def _get_resolved_title(fingerprint: str) -> str:
    """The title of a group in which no message is failed or retrying."""
    attempts = MessageAttempt.objects.filter(fingerprint=fingerprint).order_by("-ended_at")
    error = attempts.values_list("error_class", flat=True).first() if fingerprint else ""
    resolved = gettext("resolved")
    return f"{format_line(error, 120)}: {resolved}" if error else resolved.capitalize()
