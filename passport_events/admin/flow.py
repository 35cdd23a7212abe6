"""Flow controls: which pauses and throttles are in force, a form for one more, and a button to end each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.exceptions import NotRegistered
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from passport_events import conf
from passport_events.admin.base import PassportModelAdmin, ReadOnlyAdmin
from passport_events.admin.confirmation import ConfirmationPage, get_actor
from passport_events.admin.operation_forms import build_form
from passport_events.admin.pagination import MAX_CHOICES, get_part
from passport_events.models import ActionKind, OperatorAction, ProcessedMessage, SalesforceOrganization
from passport_events.operating import flow_operations
from passport_events.operating.operations import PAUSE, RATE_LIMIT, Operation
from passport_events.operating.selection import MAX_COUNTED, count
from passport_events.operating.text import escape_invisible, format_line

PERMISSION = "passport_events.pause_flow"


class FlowPages(ConfirmationPage[OperatorAction], ReadOnlyAdmin[OperatorAction]):
    """Adds the page to the journal, because a control in force is a row there."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("flow/", view(self.flow_view), name=self.url_name("flow")),
            path("flow/<int:pk>/end/", view(self.end_view), name=self.url_name("flow_end")),
            *super().get_urls(),
        ]

    def flow_view(self, request: HttpRequest) -> HttpResponse:
        """GET shows what is in force; POST asks, and begins what was confirmed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method in ("GET", "HEAD"):
            return self._show_controls(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        control = CONTROLS.get(request.POST.get("kind", ""))  # type: ignore[call-overload]  # a kind is a text
        which = ScopeForm(request.POST)
        if control is None or not which.is_valid():
            raise SuspiciousOperation("there is no such control, or nothing for it to cover")
        how = build_form(control.operation, request.POST if "confirmed" in request.POST else None)
        if not how.is_valid():
            return self._ask_for_control(request, control, which, how)
        said = _describe(*which.scope())
        if control.begin(*which.scope(), get_actor(request), **how.cleaned_data):
            messages.success(
                request,
                gettext("%(control)s is active: %(scope)s.")
                % {"control": control.operation.label, "scope": said},
            )
        else:
            messages.warning(
                request,
                gettext("%(control)s was active already: %(scope)s.")
                % {"control": control.operation.label, "scope": said},
            )
        return HttpResponseRedirect(self.url("flow"))

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End one."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request) or not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        action = (
            OperatorAction.objects.filter(pk=pk, kind__in=CONTROLS).select_related("organization").first()
        )
        if action is None:
            raise Http404
        said = f"{action.get_kind_display()}, {_describe(action.event_type, action.organization)}"
        if flow_operations.end_control(action, get_actor(request)):
            messages.success(request, gettext("Removed: %(control)s.") % {"control": said})
        else:
            messages.warning(
                request, gettext("Already removed by another operator: %(control)s.") % {"control": said}
            )
        return HttpResponseRedirect(self.url("flow"))

    def _show_controls(self, request: HttpRequest) -> HttpResponse:
        in_force = OperatorAction.objects.in_force().select_related("organization").order_by("pk")
        part = get_part(request, "controls", in_force)
        return self.page(
            request,
            "passport_events/admin/flow.html",
            title=gettext("Pauses and rate limits"),
            rows=[
                {
                    "action": action,
                    "scope": _describe(action.event_type, action.organization),
                    "who": format_line(action.actor_name),
                    "why": escape_invisible(action.reason, 1_000),
                    "url": self.url_of(action),
                    "end_url": self.url("flow_end", action.pk),
                    "end_label": CONTROLS[ActionKind(action.kind)].end_label,
                }
                for action in part.rows
            ],
            part=part,
            may=request.user.has_perm(PERMISSION),
            form=ScopeForm(),
            controls=CONTROLS.values(),
            flow_url=self.url("flow"),
        )

    def _ask_for_control(
        self, request: HttpRequest, control: FlowControl, which: ScopeForm, how: forms.Form
    ) -> HttpResponse:
        event_type, organization = which.scope()
        named = {"event_type": event_type, "organization": organization}
        waiting = ProcessedMessage.objects.filter(due_at__isnull=False)
        found = count(waiting.filter(**{name: value for name, value in named.items() if value}))
        return self.ask_to_confirm(
            request,
            control.operation,
            how,
            action_url=self.url("flow"),
            back_url=self.url("flow"),
            hidden=ScopeForm(which.data, auto_id=False),
            values={"kind": control.operation.kind},
            count=found,
            is_capped=found >= MAX_COUNTED,
            noun=gettext("messages waiting or processing"),
            description=_describe(event_type, organization),
        )


def build_flow_url(desk: PassportModelAdmin[Any], request: HttpRequest) -> str:
    """The page; empty where the journal is not on this site, or not for this person."""
    try:
        journal = desk.admin_site.get_model_admin(OperatorAction)
    except NotRegistered:
        return ""
    may_look = isinstance(journal, FlowPages) and journal.has_view_permission(request)
    return desk.url_for(OperatorAction, "flow") if may_look else ""


def _describe(event_type: str | None, organization: flow_operations.Organization) -> str:
    of = format_line(organization.name) if organization else gettext("every organization")
    types = event_type or gettext("every event type")
    return gettext("%(event_types)s of %(organization)s") % {"event_types": types, "organization": of}


class ScopeForm(forms.Form):
    """Of what?"""

    event_type = forms.ChoiceField(required=False)
    organization = forms.ModelChoiceField(
        SalesforceOrganization.objects.order_by("name", "pk"),
        required=False,
        empty_label=_("every organization"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = [(name, name) for name in conf.get_settings().live_types()]
        if SalesforceOrganization.objects.count() > MAX_CHOICES:
            by_id = self.fields["organization"] = forms.ModelChoiceField(
                SalesforceOrganization.objects.all(),
                to_field_name="salesforce_id",
                required=False,
                widget=forms.TextInput(attrs={"placeholder": _("00D…, empty: all")}),
            )
            by_id.label = _("Organization")
        self.fields["event_type"].choices = [("", _("every event type")), *types]  # type: ignore[attr-defined]  # a choice field

    def scope(self) -> tuple[str | None, flow_operations.Organization]:
        """As controls want it; the form must be valid."""
        return self.cleaned_data["event_type"] or None, self.cleaned_data["organization"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlowControl:
    """A pause or a rate limit in the admin."""

    operation: Operation
    end_label: str | Promise
    begin: Callable[..., bool]
    """Takes event type, organization, actor, and the values of the operation's form."""


CONTROLS = {
    control.operation.kind: control
    for control in (
        FlowControl(operation=PAUSE, end_label=_("Resume"), begin=flow_operations.pause),
        FlowControl(operation=RATE_LIMIT, end_label=_("Remove"), begin=flow_operations.limit_rate),
    )
}
