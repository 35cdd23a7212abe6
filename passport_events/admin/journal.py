"""What operators did, and what still goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from passport_events.admin import action_page
from passport_events.admin.actions import BulkActions
from passport_events.admin.flow import FlowPages, build_flow_url
from passport_events.models import ActionKind, OperatorAction, Progress
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import IN_STEPS
from passport_events.operating.text import format_line

STEERING: Mapping[str, tuple[Callable[[OperatorAction, Actor], bool], tuple[Progress, ...]]] = {
    "pause": (runner.pause, (Progress.RUNNING,)),
    "resume": (runner.resume, (Progress.PAUSED, Progress.STOPPED)),
    "cancel": (runner.cancel, (Progress.RUNNING, Progress.PAUSED, Progress.STOPPED)),
}
"""Verb -> what it does, and when it can be done."""


@admin.register(OperatorAction)
class OperatorActionAdmin(FlowPages, BulkActions):
    """Who did what to how many, when and why."""

    page_template = "passport_events/admin/action.html"
    list_display = (
        "created_at",
        "kind",
        "state",
        "who",
        "why",
        "how_many",
        "event_type",
        "organization",
        "per_minute",
        "ended_at",
        "ended_by",
    )
    list_filter = ("kind",)
    list_select_related = ("organization",)
    ordering = ("-pk",)

    class Media:
        js: ClassVar[tuple[str, ...]] = ("passport_events/refresh.js",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"flow_url": build_flow_url(self, request), **(extra_context or {})}
        )

    def get_urls(self) -> list[URLPattern]:
        steer = path(
            "<int:pk>/steer/", self.admin_site.admin_view(self.steer_view), name=self.url_name("steer")
        )
        return [steer, *super().get_urls()]

    @admin.display(description=_("operator"))
    def who(self, action: OperatorAction) -> str:
        return format_line(action.actor_name)

    @admin.display(description=_("reason"))
    def why(self, action: OperatorAction) -> str:
        return format_line(action.reason)

    @admin.display(description=_("state"))
    def state(self, action: OperatorAction) -> str:
        return str(action.progress.label) if action.progress else ""

    @admin.display(description=_("messages"))
    def how_many(self, action: OperatorAction) -> str:
        return f"{action.affected:,}{action_page.format_total(action)}"

    def page_context(self, request: HttpRequest, row: OperatorAction) -> dict[str, Any]:
        verbs = [verb for verb, (_, when) in STEERING.items() if row.progress in when]
        return {
            **action_page.build_context(row),
            "verbs": verbs if self._may_steer(request, row) else [],
            "steer_url": self.url("steer", row.pk),
            "message_url": self.url_of(row.message) if row.message else "",
        }

    def steer_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Pause, resume or cancel."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        action = OperatorAction.objects.filter(pk=pk).first()
        if not self.has_view_permission(request, action):
            raise PermissionDenied
        if action is None or action.progress is None:
            raise Http404
        if not self._may_steer(request, action):
            raise PermissionDenied
        verb = request.POST.get("verb", "")
        if verb not in STEERING:
            raise SuspiciousOperation("there is no such verb")
        is_done = STEERING[verb][0](action, Actor.from_user(request.user))  # type: ignore[arg-type]  # admin_view let no anonymous in
        if not is_done:
            messages.warning(
                request,
                gettext("Cannot %(verb)s: the operation is %(state)s.")
                % {"verb": verb, "state": action.progress.label if action.progress else ""},
            )
        return HttpResponseRedirect(self.url_of(action))

    @staticmethod
    def _may_steer(request: HttpRequest, action: OperatorAction) -> bool:
        """Who may start it may stop it."""
        operation = IN_STEPS.get(ActionKind(action.kind))
        return operation is not None and request.user.has_perm(operation.permission)
