"""Actions that first show how many rows they mean and ask why, and then happen by POST only."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path

from passport_events.admin.base import DeskAdmin
from passport_events.exceptions import OperationRefused
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import MAX_IDS
from passport_events.operating.selection import join_ids, parse_ids

M = TypeVar("M", bound=Model)
Rows = QuerySet[Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedAction:
    """One thing that an operator can do to selected rows."""

    name: str
    label: str
    permission: str
    meaning: str
    """What will happen, said on the page that asks."""
    done: str
    """What happened to how many, said afterwards, like `sent back`."""
    eligible: Callable[[Rows], Rows]
    run: Callable[[Rows, Actor, str], int]
    needs_reason: bool = True


class ReasonForm(forms.Form):
    """Why?"""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, is_required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = is_required


class ConfirmedActions(DeskAdmin[M]):
    """Offers its actions in the list and by buttons; both lead to the same page that asks."""

    confirmed_actions: ClassVar[tuple[ConfirmedAction, ...]] = ()

    def allowed_actions(self, request: HttpRequest) -> list[ConfirmedAction]:
        """What this user may do."""
        return [action for action in self.confirmed_actions if request.user.has_perm(action.permission)]

    def buttons(self, request: HttpRequest, row: M) -> list[dict[str, str]]:
        """What this user may do to this row, as it stands."""
        rows = self.get_queryset(request).filter(pk=row.pk)
        allowed = [action for action in self.allowed_actions(request) if action.eligible(rows).exists()]
        return [{"label": action.label, "url": self.url(action.name)} for action in allowed]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        ours = {
            action.name: (_asking(action), action.name, action.label)
            for action in self.allowed_actions(request)
        }
        return {**super().get_actions(request), **ours}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"{action.name}/",
                self.admin_site.admin_view(functools.partial(self.confirm_view, action=action)),
                name=self.url_name(action.name),
            )
            for action in self.confirmed_actions
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        forbidden = {action.name for action in self.confirmed_actions} - set(self.get_actions(request))
        if forbidden.intersection(request.POST.getlist("action")):
            raise PermissionDenied  # Django itself would only say that no action was selected
        return super().changelist_view(request, extra_context)

    def confirm_view(self, request: HttpRequest, *, action: ConfirmedAction) -> HttpResponse:
        """Ask, or do what was confirmed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if action not in self.allowed_actions(request) or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            ids = parse_ids(request.POST.get("ids", ""), MAX_IDS)
        except OperationRefused as error:
            raise SuspiciousOperation(str(error)) from error
        form = ReasonForm(
            request.POST if "confirmed" in request.POST else None, is_required=action.needs_reason
        )
        if not form.is_valid():
            return self.ask(request, action, self.get_queryset(request).filter(pk__in=ids), form)
        rows = self.get_queryset(request).filter(pk__in=ids)
        try:
            changed = action.run(rows, Actor.from_user(request.user), form.cleaned_data["reason"])  # type: ignore[arg-type]  # admin_view let no anonymous in
        except OperationRefused as error:
            messages.error(request, str(error))
        else:
            level = messages.SUCCESS if changed else messages.WARNING
            messages.add_message(request, level, f"{changed:,} {action.done}.")
        only = rows.first() if len(ids) == 1 else None
        return HttpResponseRedirect(self.url_of(only) if only else self._back_to_list(request))

    def ask(
        self, request: HttpRequest, action: ConfirmedAction, rows: Rows, form: ReasonForm | None = None
    ) -> HttpResponse:
        """The page that says what will happen to how many, and asks for the reason."""
        found = action.eligible(rows).order_by("pk").values_list("pk", flat=True)
        ids = list(found[: MAX_IDS + 1])
        if not ids:
            messages.warning(request, f"“{action.label}” means none of what was selected.")
            return HttpResponseRedirect(self._back_to_list(request))
        return self.page(
            request,
            "passport_events/admin/confirm.html",
            title=f"{action.label}?",
            action=action,
            action_url=self.url(action.name),
            count=min(len(ids), MAX_IDS),
            noun=self.opts.verbose_name if len(ids) == 1 else self.opts.verbose_name_plural,
            cap=MAX_IDS if len(ids) > MAX_IDS else 0,
            ids=join_ids(ids[:MAX_IDS]),
            filters=request.POST.get("filters", request.GET.urlencode()),
            form=form or ReasonForm(is_required=action.needs_reason),
        )

    def _back_to_list(self, request: HttpRequest) -> str:
        return self.list_url(self.model, request.POST.get("filters", request.GET.urlencode()))


def _asking(action: ConfirmedAction) -> Callable[..., HttpResponse]:
    def ask(self: ConfirmedActions[M], request: HttpRequest, rows: Rows) -> HttpResponse:
        return self.ask(request, action, rows)

    return ask
