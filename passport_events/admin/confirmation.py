"""The one page that confirms an operation, and actions on rows of a list that lead to it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from passport_events.admin.base import PassportModelAdmin
from passport_events.admin.operation_forms import build_reason_form
from passport_events.exceptions import OperationRefused
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import MAX_IDS, Operation
from passport_events.operating.selection import join_ids, parse_ids

M = TypeVar("M", bound=Model)
Rows = QuerySet[Any]


def get_actor(request: HttpRequest) -> Actor:
    """The user of a request to the admin."""
    return Actor.from_user(request.user)  # type: ignore[arg-type]  # admin_view let no anonymous in


class ConfirmationPage(PassportModelAdmin[M]):
    """Shows what an operation means before a POST with `confirmed` runs it."""

    def ask_to_confirm(
        self,
        request: HttpRequest,
        operation: Operation,
        form: forms.Form,
        *,
        action_url: str,
        back_url: str,
        hidden: Iterable[forms.BoundField] = (),
        values: dict[str, Any],
        **context: Any,
    ) -> HttpResponse:
        """The page. `hidden` and `values` are sent back with the form; `context` describes the rows."""
        return self.page(
            request,
            "passport_events/admin/confirm.html",
            title=f"{operation.label}?",
            operation=operation,
            form=form,
            action_url=action_url,
            back_url=back_url,
            hidden=[field.as_hidden() for field in hidden],
            values=values,
            **{"noun": "messages", **context},
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RowAction:
    """An operation on rows that an operator selected in a list."""

    operation: Operation
    eligible: Q
    run: Callable[[Rows, Actor, str], int | None]
    """Returns how many rows or messages changed; None if the operation goes on in the background."""

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.operation.name


class RowActions(ConfirmationPage[M]):
    """Offers actions in the list and by buttons of a page; both lead to the confirmation page."""

    row_actions: ClassVar[tuple[RowAction, ...]] = ()

    def list_allowed(self, request: HttpRequest) -> list[RowAction]:
        """The actions that this user may run."""
        return [row for row in self.row_actions if request.user.has_perm(row.operation.permission)]

    def list_buttons(self, request: HttpRequest, row: M) -> list[dict[str, str]]:
        """The actions that apply to this row now."""
        rows = self.get_queryset(request).filter(pk=row.pk)
        allowed = [each for each in self.list_allowed(request) if rows.filter(each.eligible).exists()]
        return [{"label": each.operation.label, "url": self.url(each.name)} for each in allowed]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        own = {
            each.name: (_build_list_action(each), each.name, each.operation.label)
            for each in self.list_allowed(request)
        }
        return {**super().get_actions(request), **own}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"{each.name}/",
                self.admin_site.admin_view(functools.partial(self.confirm_view, action=each)),
                name=self.url_name(each.name),
            )
            for each in self.row_actions
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        forbidden = {each.name for each in self.row_actions} - set(self.get_actions(request))
        if forbidden.intersection(request.POST.getlist("action")):
            raise PermissionDenied  # Django itself would only answer that no action was selected
        return super().changelist_view(request, extra_context)

    def confirm_view(self, request: HttpRequest, *, action: RowAction) -> HttpResponse:
        """Show the confirmation page, or run what was confirmed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if action not in self.list_allowed(request) or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            ids = parse_ids(request.POST.get("ids", ""), MAX_IDS)
        except OperationRefused as error:
            raise SuspiciousOperation(str(error)) from error
        form = build_reason_form(action.operation, request.POST if "confirmed" in request.POST else None)
        rows = self.get_queryset(request).filter(pk__in=ids)
        if not form.is_valid():
            return self.ask(request, action, rows, form)
        try:
            changed = action.run(rows, get_actor(request), form.cleaned_data["reason"])
        except OperationRefused as error:
            messages.error(request, str(error))
        else:
            self._report(request, action.operation, changed)
        only = rows.first() if len(ids) == 1 else None
        return HttpResponseRedirect(self.url_of(only) if only else self._list_url(request))

    def _report(self, request: HttpRequest, operation: Operation, changed: int | None) -> None:
        if changed is None:
            messages.success(
                request,
                _("%(operation)s runs in the background. See the audit log.")
                % {"operation": operation.label},
            )
            return
        level = messages.SUCCESS if changed else messages.WARNING
        messages.add_message(request, level, f"{changed:,} {operation.done}.")

    def ask(
        self, request: HttpRequest, action: RowAction, rows: Rows, form: forms.Form | None = None
    ) -> HttpResponse:
        """The confirmation page for these rows."""
        operation = action.operation
        ids = list(rows.filter(action.eligible).order_by("pk").values_list("pk", flat=True)[: MAX_IDS + 1])
        if not ids:
            messages.warning(
                request,
                _("“%(operation)s” applies to none of the selected rows.") % {"operation": operation.label},
            )
            return HttpResponseRedirect(self._list_url(request))
        return self.ask_to_confirm(
            request,
            operation,
            form or build_reason_form(operation, None),
            action_url=self.url(action.name),
            back_url=self._list_url(request),
            values={
                "ids": join_ids(ids[:MAX_IDS]),
                "filters": request.POST.get("filters", request.GET.urlencode()),
            },
            count=min(len(ids), MAX_IDS),
            noun=self.opts.verbose_name if len(ids) == 1 else self.opts.verbose_name_plural,
            cap=MAX_IDS if len(ids) > MAX_IDS else 0,
        )

    def _list_url(self, request: HttpRequest) -> str:
        return self.list_url(self.model, request.POST.get("filters", request.GET.urlencode()))


def _build_list_action(action: RowAction) -> Callable[..., HttpResponse]:
    def ask(self: RowActions[M], request: HttpRequest, rows: Rows) -> HttpResponse:
        return self.ask(request, action, rows)

    return ask
