"""The scope form of pauses and rate limits, and how each begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from passport_events import conf
from passport_events.admin.parts import MAX_CHOICES
from passport_events.models import SalesforceOrganization
from passport_events.operating import flow_operations
from passport_events.operating.operations import PAUSE, RATE_LIMIT, Operation


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
