"""Bulk actions: select messages, choose an operation, confirm it, run it."""

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
from django.utils.translation import gettext_lazy as _

from passport_events import conf
from passport_events.admin import payload
from passport_events.admin.base import ReadOnlyAdmin
from passport_events.admin.confirmation import ConfirmationPage, get_actor
from passport_events.admin.operation_forms import EVERYTHING, build_form
from passport_events.admin.pagination import limit_names
from passport_events.admin.selection_form import SelectionForm, parse_list_query
from passport_events.exceptions import OperationRefused
from passport_events.models import OperatorAction, ProcessedMessage
from passport_events.operating import audit_log, export, operations, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.dry_run import DryRun, execute_dry_run
from passport_events.operating.operations import ON_MESSAGES, Operation
from passport_events.operating.replay import predict, preview_replay
from passport_events.operating.selection import MAX_COUNTED, MAX_LOOKBACK_MESSAGES, Selection, count
from passport_events.operating.text import format_line

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class BulkActions(ConfirmationPage[OperatorAction], ReadOnlyAdmin[OperatorAction]):
    """The pages of bulk actions."""

    def get_urls(self) -> list[URLPattern]:
        act = path("act/", self.admin_site.admin_view(self.act_view), name=self.url_name("act"))
        return [act, *super().get_urls()]

    def act_view(self, request: HttpRequest) -> HttpResponseBase:
        """GET shows a selection and the operations; POST asks for confirmation, then runs one."""
        can_view = request.user.has_perm("passport_events.view_processedmessage")
        if not can_view or not self.has_view_permission(request):
            raise PermissionDenied
        if request.method in ("GET", "HEAD"):
            return self._show_selection(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        operation = ON_MESSAGES.get(request.POST.get("operation", ""))
        if operation is None:
            raise SuspiciousOperation("there is no such operation")
        if not request.user.has_perm(operation.permission):
            raise PermissionDenied
        form = SelectionForm(request.POST)
        if not form.is_valid():
            raise SuspiciousOperation("the selection is not valid")
        try:
            return self._ask_or_run(request, operation, form)
        except OperationRefused as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self._build_back_url(form))

    def _show_selection(self, request: HttpRequest) -> HttpResponse:
        try:
            form = SelectionForm(parse_list_query(request.GET))
            selection = form.selection() if form.is_valid() else None
            found = count(selection.bounded()) if selection is not None else 0
        except OperationRefused as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self.list_url(ProcessedMessage) or self.list_url(self.model))
        has_group = selection is not None and bool(selection.fingerprint)
        return self.page(
            request,
            "passport_events/admin/act.html",
            title=_("Bulk actions"),
            form=form,
            hidden=SelectionForm(form.data, auto_id=False),
            description=None if selection is None else format_line(selection, 1_000),
            count=found,
            is_capped=found >= MAX_COUNTED,
            look_back=_get_look_back(selection),
            operations=[
                operation
                for operation in ON_MESSAGES.values()
                if request.user.has_perm(operation.permission) and (has_group or not operation.needs_group)
            ],
            event_types=conf.get_settings().live_types(),
            act_url=self.url("act"),
        )

    def _ask_or_run(
        self, request: HttpRequest, operation: Operation, selected: SelectionForm
    ) -> HttpResponseBase:
        selection = selected.selection()
        is_confirmed = "confirmed" in request.POST
        form = build_form(operation, request.POST if is_confirmed else None, selection)
        if not request.user.has_perm(payload.PERMISSION):
            form.fields.pop("with_payload", None)
        if is_confirmed and form.is_valid():
            return self._run(request, operation, selection, form.cleaned_data)
        return self._ask(request, operation, selected, form)

    def _build_back_url(self, form: SelectionForm) -> str:
        """The page of the same selection."""
        values = [(name, value) for name in form.fields for value in form.data.getlist(name) if value]  # type: ignore[attr-defined]  # of a request
        return f"{self.url('act')}?{urlencode(values)}"

    def _ask(
        self, request: HttpRequest, operation: Operation, selected: SelectionForm, form: forms.Form
    ) -> HttpResponse:
        selection = selected.selection()
        if operation.runs_in_steps or operation is operations.TEST_RETRY:
            operation.check_selection(selection, everything=True)
        found = count(operation.filter_eligible(selection.bounded()))
        if not found and not operation.needs_group and selection.is_found_by_index:
            raise OperationRefused(f"“{operation.label}” applies to none of these messages.")
        is_replay = operation is operations.REPLAY
        return self.ask_to_confirm(
            request,
            operation,
            form,
            action_url=self.url("act"),
            back_url=self._build_back_url(selected),
            hidden=SelectionForm(selected.data, auto_id=False),
            values={"operation": operation.name},
            count=found,
            is_capped=found >= MAX_COUNTED,
            look_back=_get_look_back(selection),
            description=format_line(selection, 1_000),
            preview=preview_replay(selection) if is_replay else None,
            prediction=predict(operations.REPLAY, selection) if is_replay else None,
        )

    def _run(
        self, request: HttpRequest, operation: Operation, selection: Selection, values: dict[str, Any]
    ) -> HttpResponseBase:
        """Run it as the form says. Raises OperationRefused, with nothing done."""
        actor, reason = get_actor(request), values.get("reason", "")
        if operation.runs_in_steps:
            everything = values.get(EVERYTHING, False)
            action = runner.submit(
                operation, selection, actor, reason, values["per_minute"], everything=everything
            )
            return HttpResponseRedirect(self.url_of(action))
        if operation is operations.TEST_RETRY:
            return self._retry_newest(request, selection, actor, reason)
        if operation is operations.NOTE:
            note = audit_log.add_note(selection.fingerprint, reason, actor)
            messages.success(request, _("The note was added."))
            return HttpResponseRedirect(self._build_group_url(selection.fingerprint) or self.url_of(note))
        if operation is operations.DRY_RUN:
            return self._show_dry_run(request, selection, execute_dry_run(selection, actor, values["most"]))
        return _download(selection, actor, values)

    def _build_group_url(self, fingerprint: str) -> str:
        """The page of a group; empty if its messages were purged."""
        has_messages = ProcessedMessage.objects.filter(fingerprint=fingerprint).exists()
        return self.url_for(ProcessedMessage, "group", fingerprint) if has_messages else ""

    def _show_dry_run(self, request: HttpRequest, selection: Selection, dry_run: DryRun) -> HttpResponse:
        rows = [
            {
                "found": each,
                "url": self.url_of(ProcessedMessage(pk=each.message)),
                "reason": format_line(each.reason, 500),
                "previous_reason": format_line(each.previous_reason),
                "record_fields": limit_names(each.record_fields),
            }
            for each in dry_run.messages
        ]
        return self.page(
            request,
            "passport_events/admin/dry_run.html",
            title=_("Dry run"),
            description=format_line(selection, 1_000),
            dry_run=dry_run,
            rows=rows,
        )

    def _retry_newest(
        self, request: HttpRequest, selection: Selection, actor: Actor, reason: str
    ) -> HttpResponse:
        message = runner.retry_newest(selection, actor, reason)
        if message is None:
            raise OperationRefused("None of these messages can be retried any more.")
        messages.success(request, _("Message %(id)s was requeued. See its status.") % {"id": message})
        return HttpResponseRedirect(
            self.url_of(ProcessedMessage(pk=message)) or self.list_url(OperatorAction)
        )


def _download(selection: Selection, actor: Actor, values: dict[str, Any]) -> StreamingHttpResponse:
    form, with_payload = values["form"], values.get("with_payload", False)
    lines = export.export_messages(selection, form, actor, values["reason"], with_payload=with_payload)
    return StreamingHttpResponse(
        lines,
        content_type=CONTENT_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="messages.{form}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def _get_look_back(selection: Selection | None) -> int:
    """How many of the newest messages were counted; 0 if all were."""
    return 0 if selection is None or selection.is_found_by_index else MAX_LOOKBACK_MESSAGES
