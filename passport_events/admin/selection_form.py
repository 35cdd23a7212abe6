"""A selection as a form: what the filters of a list show, or what somebody typed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from passport_events.admin.filters import FAILED_FILTER
from passport_events.clock import EARLIEST_YEAR, LATEST_YEAR, convert_from_database, is_comparable
from passport_events.exceptions import OperationRefused, Unreadable
from passport_events.handling.registry import get_handlers
from passport_events.models import SalesforceOrganization, Status
from passport_events.models.status import FAILED
from passport_events.operating.operations import MAX_IDS
from passport_events.operating.selection import Selection, parse_id, parse_ids
from passport_events.operating.text import escape_invisible, format_line
from passport_events.salesforce_ids import normalize_id

MOMENTS = ("received_since", "received_until", "since", "until")
_NO_FILTERS = frozenset({"p", "o", "all", "e", "_facets", "_changelist_filters"})
"""What Django's lists put into their addresses besides filters."""


class MomentField(forms.DateTimeField):
    """A time that rows can be compared with."""

    def to_python(self, value: Any) -> datetime | None:
        moment = super().to_python(value)
        if moment is not None and not is_comparable(moment):
            raise ValidationError(f"Give a year from {EARLIEST_YEAR} to {LATEST_YEAR}.")
        return moment


class SelectionForm(forms.Form):
    """Every part of a selection; what is left empty does not matter."""

    statuses = forms.MultipleChoiceField(
        choices=[(status.value, status.label) for status in Status],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    event_type = forms.CharField(max_length=64, required=False)
    organization = forms.CharField(max_length=18, required=False, help_text=_("Salesforce's id, 00D…"))
    record_id = forms.CharField(
        max_length=18, required=False, label=_("Record"), help_text=_("Salesforce's id")
    )
    fingerprint = forms.CharField(
        max_length=32, required=False, label=_("Group"), help_text=_("A failure group")
    )
    handler = forms.ChoiceField(required=False, help_text=_("Of the types that it handles now"))
    release = forms.CharField(max_length=64, required=False, help_text=_("The release that ended them"))
    since = MomentField(required=False, label=_("Finished from"))
    until = MomentField(required=False, label=_("Finished to"))
    received_since = MomentField(required=False, label=_("Received from"))
    received_until = MomentField(required=False, label=_("Received to"))
    ids = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted({handler.name for handler in get_handlers().values()})
        self.fields["handler"].choices = [("", "any"), *((name, name) for name in names)]  # type: ignore[attr-defined]  # a choice field

    def clean_event_type(self) -> str:
        """One of the settings, or one that still stands on old rows."""
        return str(self.cleaned_data["event_type"]).strip()

    def clean_organization(self) -> str:
        """In 18 characters."""
        return _normalize_id(self.cleaned_data["organization"])

    def clean_record_id(self) -> str:
        """In 18 characters."""
        return _normalize_id(self.cleaned_data["record_id"])

    def clean_ids(self) -> tuple[int, ...]:
        """As the buttons of pages write them."""
        text = self.cleaned_data["ids"]
        try:
            return parse_ids(text, MAX_IDS) if text else ()
        except OperationRefused as error:
            raise ValidationError(str(error)) from error

    def selection(self) -> Selection:
        """What was said; the form must be valid."""
        said = dict(self.cleaned_data)
        said["statuses"] = tuple(map(Status, said["statuses"]))
        return Selection(**{**said, **{name: convert_from_database(said[name]) for name in MOMENTS}})


def _normalize_id(text: str) -> str:
    if not text:
        return ""
    try:
        return normalize_id(text.strip())
    except Unreadable as error:
        raise ValidationError(f"{error.detail}.") from error


def parse_list_query(query: QueryDict) -> QueryDict:
    """What the filters of the list of messages mean, as the fields of the form.

    Raises OperationRefused for a filter that a selection cannot say: to leave it out would mean more
    messages than the list showed.
    """
    said = QueryDict(mutable=True)
    for name in query:
        values = [value for value in query.getlist(name) if value]
        if any(escape_invisible(value) != value for value in values):
            raise OperationRefused(f"{format_line(name)} contains invisible characters. Remove them.")
        if name == "status":
            said.setlist("statuses", list(FAILED) if FAILED_FILTER in values else values)
        elif name == "organization__id__exact" and values:
            said["organization"] = _find_organization(values[-1])
        elif name == "organization_salesforce_id" and values:
            said["organization"] = values[-1]
        elif name == "q" and values:
            said.update(_parse_search(values[-1].strip()))
        elif name in SelectionForm.base_fields:
            said.setlist(name, values)
        elif values and name not in _NO_FILTERS:
            raise OperationRefused(
                f"Messages cannot be selected by {format_line(name)}. Take that filter away."
            )
    return said


def _find_organization(pk: str) -> str:
    rows = SalesforceOrganization.objects.filter(pk=parse_id(pk) or 0)
    found = rows.values_list("salesforce_id", flat=True).first()
    if found is None:
        raise OperationRefused("There is no such organization.")
    return found


def _parse_search(text: str) -> dict[str, str]:
    if parse_id(text) is not None:
        return {"ids": text}
    try:
        return {"record_id": normalize_id(text)}
    except Unreadable:
        raise OperationRefused(
            "A search can be acted on by message number or Salesforce record. For others open the message."
        ) from None
