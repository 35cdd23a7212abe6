"""From a selection to an action: which messages, what to do, a page that asks; then it happens by POST."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from passport_events.admin import payload, tasks
from passport_events.admin.base import ReadOnlyAdmin
from passport_events.admin.selecting import SelectionForm, event_types, from_list
from passport_events.admin.tasks import BY_NAME, TASKS, Task
from passport_events.exceptions import OperationRefused
from passport_events.models import OperatorAction, ProcessedMessage
from passport_events.operating import background, dead_letters, export, notes
from passport_events.operating.actor import Actor
from passport_events.operating.dry_run import dry_run
from passport_events.operating.rehearse import Rehearsal, rehearse
from passport_events.operating.replay import REPLAY, preview
from passport_events.operating.selection import LOOK_BACK, MOST_COUNTED, Selection, count
from passport_events.operating.text import one_line

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


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
            found = count(selection.at_a_glance()) if selection is not None else 0
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
            words=None if selection is None else one_line(selection, 1_000),
            count=found,
            is_capped=found >= MOST_COUNTED,
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
        try:
            if is_confirmed and how.is_valid():
                return self._do(request, task, selection, how.cleaned_data)
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
        if task.change is not None:
            background.check(task.change, selection)
        found = count(task.eligible(selection.at_a_glance()))
        if not found and not task.needs_group and selection.is_found_by_index:
            raise OperationRefused(f"“{task.label}” means none of these messages.")
        is_replay = task.change is REPLAY
        return self.page(
            request,
            "passport_events/admin/act_confirm.html",
            title=f"{task.label}?",
            task=task,
            count=found,
            is_capped=found >= MOST_COUNTED,
            look_back=_look_back(selection),
            words=one_line(selection, 1_000),
            hidden=SelectionForm(which.data, auto_id=False),
            back_url=self._back(which),
            form=how,
            preview=preview(selection) if is_replay else None,
            dry_run=dry_run(REPLAY, selection) if is_replay else None,
            act_url=self.url("act"),
        )

    def _do(
        self, request: HttpRequest, task: Task, selection: Selection, how: dict[str, Any]
    ) -> HttpResponseBase:
        actor = Actor.of_user(request.user)  # type: ignore[arg-type]  # admin_view let no anonymous in
        if task.change is not None:
            action = background.start(task.change, selection, actor, how["reason"], how["per_minute"])
            return HttpResponseRedirect(self.url_of(action))
        if task.name == tasks.TRIAL:
            return self._try(request, selection, actor, how["reason"])
        if task.name == tasks.NOTE:
            written = notes.note(selection.fingerprint, how["reason"], actor)
            messages.success(request, "The note was written.")
            return HttpResponseRedirect(self._group_url(selection.fingerprint) or self.url_of(written))
        if task.name == tasks.REHEARSE:
            found = rehearse(selection, actor, how["most"])
            return self._rehearsal(request, selection, found)
        return _download(selection, actor, how)

    def _group_url(self, fingerprint: str) -> str:
        """Of its page; empty where it has none, because its messages were purged."""
        has_messages = ProcessedMessage.objects.filter(fingerprint=fingerprint).exists()
        return self._url_of(ProcessedMessage, "group", fingerprint) if has_messages else ""

    def _rehearsal(self, request: HttpRequest, selection: Selection, found: Rehearsal) -> HttpResponse:
        rows = [
            {
                "found": each,
                "url": self.url_of(ProcessedMessage(pk=each.message)),
                "why": one_line(each.why, 500),
                "was_why": one_line(each.was_why),
                "mirror": [one_line(name) for name in each.mirror],
            }
            for each in found.messages
        ]
        return self.page(
            request,
            "passport_events/admin/rehearsal.html",
            title="Rehearsal",
            words=one_line(selection, 1_000),
            rehearsal=found,
            rows=rows,
        )

    def _try(self, request: HttpRequest, selection: Selection, actor: Actor, reason: str) -> HttpResponse:
        sent = dead_letters.retry_one(selection.at_a_glance(), actor, reason)
        if sent is None:
            raise OperationRefused("None of these can be sent back any more.")
        messages.success(request, f"Message {sent} was sent back. Its status says how it fares.")
        return HttpResponseRedirect(self.url_of(ProcessedMessage(pk=sent)) or self.list_url(self.model))


def _look_back(selection: Selection | None) -> int:
    """0 where a glance saw all."""
    return 0 if selection is None or selection.is_found_by_index else LOOK_BACK


def _download(selection: Selection, actor: Actor, how: dict[str, Any]) -> StreamingHttpResponse:
    form = how["form"]
    lines = export.export(selection, form, actor, how["reason"], with_payload=how.get("with_payload", False))
    return StreamingHttpResponse(
        lines,
        content_type=CONTENT_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="messages.{form}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
