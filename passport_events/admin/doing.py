"""What was confirmed is done here, and the answer says what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase

from passport_events.admin import tasks
from passport_events.admin.base import ReadOnlyAdmin
from passport_events.admin.parts import some_names
from passport_events.admin.tasks import EVERYTHING, Task
from passport_events.exceptions import OperationRefused
from passport_events.models import OperatorAction, ProcessedMessage
from passport_events.operating import audit_log, export, operations, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.dry_run import DryRun, execute_dry_run
from passport_events.operating.selection import Selection
from passport_events.operating.text import format_line

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}

Journal = ReadOnlyAdmin[OperatorAction]


def do(
    journal: Journal, request: HttpRequest, task: Task, selection: Selection, how: dict[str, Any]
) -> HttpResponseBase:
    """Do it as the form says. Raises OperationRefused, with nothing done."""
    actor = Actor.from_user(request.user)  # type: ignore[arg-type]  # admin_view let no anonymous in
    if task.change is not None:
        action = runner.start(
            task.change,
            selection,
            actor,
            how["reason"],
            how["per_minute"],
            everything=how.get(EVERYTHING, False),
        )
        return HttpResponseRedirect(journal.url_of(action))
    if task.name == tasks.TRIAL:
        return _try(journal, request, selection, actor, how["reason"])
    if task.name == tasks.NOTE:
        written = audit_log.add_note(selection.fingerprint, how["reason"], actor)
        messages.success(request, "The note was written.")
        return HttpResponseRedirect(_group_url(journal, selection.fingerprint) or journal.url_of(written))
    if task.name == tasks.REHEARSE:
        return _rehearsal(journal, request, selection, execute_dry_run(selection, actor, how["most"]))
    return _download(selection, actor, how)


def _group_url(journal: Journal, fingerprint: str) -> str:
    """Of its page; empty where it has none, because its messages were purged."""
    has_messages = ProcessedMessage.objects.filter(fingerprint=fingerprint).exists()
    return journal.url_for(ProcessedMessage, "group", fingerprint) if has_messages else ""


def _rehearsal(journal: Journal, request: HttpRequest, selection: Selection, found: DryRun) -> HttpResponse:
    rows = [
        {
            "found": each,
            "url": journal.url_of(ProcessedMessage(pk=each.message)),
            "why": format_line(each.why, 500),
            "was_why": format_line(each.was_why),
            "mirror": some_names(each.mirror),
        }
        for each in found.messages
    ]
    return journal.page(
        request,
        "passport_events/admin/rehearsal.html",
        title="Rehearsal",
        words=format_line(selection, 1_000),
        rehearsal=found,
        rows=rows,
    )


def _try(
    journal: Journal, request: HttpRequest, selection: Selection, actor: Actor, reason: str
) -> HttpResponse:
    sent = operations.retry_newest(selection, actor, reason)
    if sent is None:
        raise OperationRefused("None of these can be sent back any more.")
    messages.success(request, f"Message {sent} was sent back. Its status says how it fares.")
    return HttpResponseRedirect(journal.url_of(ProcessedMessage(pk=sent)) or journal.list_url(OperatorAction))


def _download(selection: Selection, actor: Actor, how: dict[str, Any]) -> StreamingHttpResponse:
    form = how["form"]
    lines = export.export_messages(
        selection, form, actor, how["reason"], with_payload=how.get("with_payload", False)
    )
    return StreamingHttpResponse(
        lines,
        content_type=CONTENT_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="messages.{form}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
