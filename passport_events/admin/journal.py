"""What operators did, and what still goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path

from passport_events.admin.acting import Acting
from passport_events.clock import StatementTimestamp
from passport_events.exceptions import OperationRefused
from passport_events.models import ActionKind, OperatorAction, Progress
from passport_events.operating import steering
from passport_events.operating.actor import Actor
from passport_events.operating.background import CHANGES
from passport_events.operating.became import Became, became
from passport_events.operating.selection import MOST_COUNTED, Selection
from passport_events.operating.text import one_line, visible

STEERING: Mapping[str, tuple[Callable[[OperatorAction, Actor], bool], tuple[Progress, ...]]] = {
    "pause": (steering.pause, (Progress.RUNNING,)),
    "resume": (steering.resume, (Progress.PAUSED, Progress.STOPPED)),
    "cancel": (steering.cancel, (Progress.RUNNING, Progress.PAUSED, Progress.STOPPED)),
}
"""Verb -> what it does, and when it can be done."""
LOOKS_ON = timedelta(minutes=10)
"""So long after the end of an action its page goes on looking at what becomes of the messages."""


@admin.register(OperatorAction)
class OperatorActionAdmin(Acting):
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

    def get_urls(self) -> list[URLPattern]:
        steer = path(
            "<int:pk>/steer/", self.admin_site.admin_view(self.steer_view), name=self.url_name("steer")
        )
        return [steer, *super().get_urls()]

    @admin.display(description="who")
    def who(self, action: OperatorAction) -> str:
        return one_line(action.actor_name)

    @admin.display(description="why")
    def why(self, action: OperatorAction) -> str:
        return one_line(action.reason)

    @admin.display(description="state")
    def state(self, action: OperatorAction) -> str:
        return str(action.progress.label) if action.progress else ""

    @admin.display(description="messages")
    def how_many(self, action: OperatorAction) -> str:
        return f"{action.affected:,}{_of_total(action)}"

    def page_context(self, request: HttpRequest, row: OperatorAction) -> dict[str, Any]:
        progress = row.progress
        is_counted = row.total is not None and row.total < MOST_COUNTED
        stands = became([row]).get(row.pk)
        return {
            "became": stands,
            "looks_on": progress == Progress.RUNNING or _is_worth_watching(row, stands),
            "action": row,
            "who": one_line(row.actor_name),
            "why": visible(row.reason),
            "failure": one_line(row.failure),
            "ended_by": one_line(row.ended_by),
            "selection": _words(row),
            "state": progress.label if progress else "",
            "is_running": progress == Progress.RUNNING,
            "is_stopped": progress == Progress.STOPPED,
            "of_total": _of_total(row),
            "bar": min(row.affected, row.total or 0) if is_counted or row.ended_at else None,
            "bar_max": row.total if is_counted else max(row.affected, 1),
            "verbs": [
                verb
                for verb, (_, when) in STEERING.items()
                if progress in when and self._may_steer(request, row)
            ],
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
        is_done = STEERING[verb][0](action, Actor.of_user(request.user))  # type: ignore[arg-type]  # admin_view let no anonymous in
        if not is_done:
            messages.warning(
                request, f"Nothing to {verb}: it is {action.progress.label if action.progress else ''}."
            )
        return HttpResponseRedirect(self.url_of(action))

    @staticmethod
    def _may_steer(request: HttpRequest, action: OperatorAction) -> bool:
        """Who may start it may stop it."""
        change = CHANGES.get(ActionKind(action.kind))
        return change is not None and request.user.has_perm(change.permission)


def _is_worth_watching(action: OperatorAction, stands: Became | None) -> bool:
    """Whether workers may soon have done what they still have to do."""
    if stands is None or not stands.is_open:
        return False
    start = StatementTimestamp() - LOOKS_ON
    is_recent = Q(created_at__gt=start) | Q(ended_at__gt=start)
    return OperatorAction.objects.filter(is_recent, pk=action.pk).exists()


def _of_total(action: OperatorAction) -> str:
    if action.total is None:
        return ""
    return f" of {action.total:,}{'+' if action.total >= MOST_COUNTED else ''}"


def _words(action: OperatorAction) -> str:
    if action.selection is None:
        return ""
    try:
        return one_line(Selection.from_json(action.selection), 1_000)
    except OperationRefused as error:
        return str(error)
