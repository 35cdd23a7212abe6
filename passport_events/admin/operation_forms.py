"""The forms of operations: what an operator fills in on the confirmation page."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from passport_events.operating import audit_log, dry_run
from passport_events.operating.operations import Operation, OperationForm
from passport_events.operating.selection import Selection

EVERYTHING = "everything"
"""The field that confirms an operation on a selection without a filter."""


class ReasonForm(forms.Form):
    """A reason."""

    reason = forms.CharField(
        max_length=500,
        label=_("Reason (recorded in the audit log)"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReasonAndRateForm(ReasonForm):
    """A reason and a rate limit."""

    per_minute = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        required=False,
        label=_("Rate limit, messages/min (empty: no limit)"),
    )


class RateForm(ReasonForm):
    """A rate limit and a reason."""

    per_minute = forms.IntegerField(min_value=1, max_value=1_000_000, label=_("Rate limit, messages/min"))
    field_order = ("per_minute", "reason")


class NoteForm(ReasonForm):
    """The text of a note."""

    reason = forms.CharField(
        max_length=audit_log.MAX_NOTE_CHARACTERS, label=_("Note"), widget=forms.Textarea(attrs={"rows": 3})
    )


class ExportForm(ReasonForm):
    """The format of a file and its content."""

    form = forms.ChoiceField(choices=[("csv", "CSV"), ("jsonl", "JSON lines")], label=_("File"))
    with_payload = forms.BooleanField(required=False, label=_("Include payload (personal data)"))
    field_order = ("form", "with_payload", "reason")


class DryRunForm(forms.Form):
    """The number of messages."""

    most = forms.IntegerField(
        min_value=1,
        max_value=dry_run.MAX_MESSAGES,
        initial=20,
        label=_("Number of messages, the newest first"),
    )


FORMS: dict[OperationForm, type[forms.Form]] = {
    OperationForm.REASON: ReasonForm,
    OperationForm.REASON_AND_RATE: ReasonAndRateForm,
    OperationForm.RATE: RateForm,
    OperationForm.NOTE: NoteForm,
    OperationForm.EXPORT: ExportForm,
    OperationForm.DRY_RUN: DryRunForm,
}


def build_reason_form(operation: Operation, data: QueryDict | None) -> ReasonForm:
    """The form of an operation on rows of a list."""
    form = ReasonForm(data)
    form.fields["reason"].required = operation.needs_reason
    return form


def build_form(
    operation: Operation, data: QueryDict | None, selection: Selection | None = None
) -> forms.Form:
    """The form of an operation; it asks to confirm a selection without a filter."""
    form = FORMS[operation.form](data)
    if "reason" in form.fields:
        form.fields["reason"].required = operation.needs_reason
    is_wide = selection is not None and not selection.is_narrow
    if is_wide and operation.runs_in_steps and operation.allows_everything:
        form.fields[EVERYTHING] = forms.BooleanField(
            label=_("No filter is set: apply to all of these messages")
        )
    return form
