"""From a selection to an action: which messages, what to do, a page that asks. `doing` does it, by POST."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from passport_events.admin import payload
from passport_events.admin.base import ReadOnlyAdmin
from passport_events.admin.doing import do
from passport_events.admin.selecting import SelectionForm, event_types, from_list
from passport_events.admin.tasks import BY_NAME, EVERYTHING, TASKS, Task
from passport_events.exceptions import OperationRefused
from passport_events.models import OperatorAction, ProcessedMessage
from passport_events.operating.replay import REPLAY, predict, preview_replay
from passport_events.operating.selection import MAX_COUNTED, MAX_LOOKBACK_MESSAGES, Selection, count
from passport_events.operating.text import format_line


class Acting(ReadOnlyAdmin[OperatorAction]):
    """The pages on which an action begins."""

    def get_urls(self) -> list[URLPattern]:
        act = path("act/", self.admin_site.admin_view(self.act_view), name=self.url_name("act"))
        return [act, *super().get_urls()]

    def act_view(self, request: HttpRequest) -> HttpResponseBase:
        """GET shows what a selection means and what can be done; POST asks, and does what was confirmed."""
        may_look = request.user.has_perm("passport_events.view_processedmessage")
        if not may_look or not self.has_view_permission(request):
            raise PermissionDenied
        if request.method in ("GET", "HEAD"):
            return self._choose(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        task = BY_NAME.get(request.POST.get("task", ""))
        if task is None:
            raise SuspiciousOperation("there is no such task")
        if not request.user.has_perm(task.permission):
            raise PermissionDenied
        which = SelectionForm(request.POST)
        if not which.is_valid():
            raise SuspiciousOperation("that is no selection")
        return self._ask_or_do(request, task, which)

    def _choose(self, request: HttpRequest) -> HttpResponse:
        try:
            which = SelectionForm(from_list(request.GET))
            selection = which.selection() if which.is_valid() else None
            found = count(selection.bounded()) if selection is not None else 0
        except OperationRefused as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self.list_url(ProcessedMessage) or self.list_url(self.model))
        allowed = [task for task in TASKS if request.user.has_perm(task.permission)]
        return self.page(
            request,
            "passport_events/admin/act.html",
            title="Act on messages",
            form=which,
            hidden=SelectionForm(which.data, auto_id=False),
            words=None if selection is None else format_line(selection, 1_000),
            count=found,
            is_capped=found >= MAX_COUNTED,
            look_back=_look_back(selection),
            tasks=[t for t in allowed if not t.needs_group or (selection and selection.fingerprint)],
            event_types=event_types(),
            act_url=self.url("act"),
        )

    def _ask_or_do(self, request: HttpRequest, task: Task, which: SelectionForm) -> HttpResponseBase:
        selection = which.selection()
        is_confirmed = "confirmed" in request.POST
        how = task.form(request.POST if is_confirmed else None)
        self._limit(request, how)
        if task.needs_confirmation(selection):
            how.fields[EVERYTHING] = forms.BooleanField(label="No filter is set: all of these are meant")
        try:
            if is_confirmed and how.is_valid():
                return do(self, request, task, selection, how.cleaned_data)
            return self._ask(request, task, which, how)
        except OperationRefused as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self._back(which))

    def _back(self, which: SelectionForm) -> str:
        """To the choice, with the same selection."""
        said = [(name, value) for name in which.fields for value in which.data.getlist(name) if value]  # type: ignore[attr-defined]  # of a request
        return f"{self.url('act')}?{urlencode(said)}"

    @staticmethod
    def _limit(request: HttpRequest, how: forms.Form) -> None:
        if "with_payload" in how.fields and not request.user.has_perm(payload.PERMISSION):
            del how.fields["with_payload"]

    def _ask(self, request: HttpRequest, task: Task, which: SelectionForm, how: forms.Form) -> HttpResponse:
        selection = which.selection()
        task.check(selection)
        found = count(task.filter_eligible(selection.bounded()))
        if not found and not task.needs_group and selection.is_found_by_index:
            raise OperationRefused(f"“{task.label}” means none of these messages.")
        is_replay = task.change is REPLAY
        return self.page(
            request,
            "passport_events/admin/act_confirm.html",
            title=f"{task.label}?",
            task=task,
            count=found,
            is_capped=found >= MAX_COUNTED,
            look_back=_look_back(selection),
            words=format_line(selection, 1_000),
            hidden=SelectionForm(which.data, auto_id=False),
            back_url=self._back(which),
            form=how,
            preview=preview_replay(selection) if is_replay else None,
            dry_run=predict(REPLAY, selection) if is_replay else None,
            act_url=self.url("act"),
        )


def _look_back(selection: Selection | None) -> int:
    """0 where a glance saw all."""
    return 0 if selection is None or selection.is_found_by_index else MAX_LOOKBACK_MESSAGES
