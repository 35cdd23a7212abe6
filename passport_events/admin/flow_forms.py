"""What can be paused or throttled, and what each asks before it begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django import forms

from passport_events import conf
from passport_events.admin.operation_forms import ReasonForm
from passport_events.admin.parts import MAX_CHOICES
from passport_events.models import ActionKind, SalesforceOrganization
from passport_events.operating import flow_operations


class ScopeForm(forms.Form):
    """Of what?"""

    event_type = forms.ChoiceField(required=False)
    organization = forms.ModelChoiceField(
        SalesforceOrganization.objects.order_by("name", "pk"),
        required=False,
        empty_label="every organization",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = [(name, name) for name in conf.get_settings().live_types()]
        if SalesforceOrganization.objects.count() > MAX_CHOICES:
            by_id = self.fields["organization"] = forms.ModelChoiceField(
                SalesforceOrganization.objects.all(),
                to_field_name="salesforce_id",
                required=False,
                widget=forms.TextInput(attrs={"placeholder": "00D…, empty: every one"}),
            )
            by_id.label = "Organization"
        self.fields["event_type"].choices = [("", "every event type"), *types]  # type: ignore[attr-defined]  # a choice field

    def scope(self) -> tuple[str | None, flow_operations.Organization]:
        """As controls want it; the form must be valid."""
        return self.cleaned_data["event_type"] or None, self.cleaned_data["organization"]


class RateForm(ReasonForm):
    """Why, and how much?"""

    per_minute = forms.IntegerField(min_value=1, max_value=1_000_000, label="Rate limit, messages/min")
    field_order = ("per_minute", "reason")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One kind of them, and how it begins."""

    kind: ActionKind
    label: str
    meaning: str
    end_label: str
    form: type[forms.Form]
    begin: Callable[..., bool]
    """Of event type, organization, actor, and what its form asks."""


CONTROLS = {
    control.kind: control
    for control in (
        Control(
            kind=ActionKind.PAUSE,
            label="Pause",
            meaning="Messages are stored and wait, and lose no attempts.",
            end_label="Resume",
            form=ReasonForm,
            begin=flow_operations.pause,
        ),
        Control(
            kind=ActionKind.THROTTLE,
            label="Throttle",
            meaning="So many a minute are handled; the others wait, and lose no attempts. This rate replaces "
            "another of the same scope.",
            end_label="End",
            form=RateForm,
            begin=flow_operations.limit_rate,
        ),
    )
}
