"""Organizations: the one thing that is edited by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from passport_events.admin.confirmation import RowAction, RowActions
from passport_events.admin.links import build_reprocess_url
from passport_events.clock import ClockTimestamp
from passport_events.exceptions import Unreadable
from passport_events.models import Mode, ProcessedMessage, SalesforceOrganization
from passport_events.operating import flow_operations, operations
from passport_events.operating.audit_log import Actor
from passport_events.operating.organizations import (
    OrganizationCounts,
    count_by_organization,
    filter_held_messages,
    reprocess_organization,
)
from passport_events.operating.text import format_duration
from passport_events.salesforce_ids import normalize_id

HEARTBEAT = ("silence", "heartbeat_sent_at", "heartbeat_received_at")
Organizations = QuerySet[SalesforceOrganization]


def _pause(organizations: Organizations, actor: Actor, reason: str) -> int:
    return sum(flow_operations.pause(None, organization, actor, reason) for organization in organizations)


def _resume(organizations: Organizations, actor: Actor, _reason: str) -> int:
    return sum(flow_operations.resume(None, organization, actor) for organization in organizations)


def _reprocess(organizations: Organizations, actor: Actor, _reason: str) -> int:
    return sum(reprocess_organization(organization, actor) for organization in organizations)


REPROCESS = dataclasses.replace(
    operations.REPROCESS,
    label=_("Reprocess messages"),  # type: ignore[arg-type]  # a lazy text
    meaning=_(  # type: ignore[arg-type]  # a lazy text
        "Parses the stored bytes of held messages again: those that came before the organization "
        "was known or while it was off, and those that could not be parsed."
    ),
)
ROW_ACTIONS = (
    RowAction(operation=operations.PAUSE, eligible=Q(), run=_pause),
    RowAction(operation=operations.RESUME, eligible=Q(), run=_resume),
    RowAction(operation=REPROCESS, eligible=~Q(mode=Mode.OFF), run=_reprocess),
)


class OrganizationForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameter when it runs
    """One spelling of the id, because events carry the one with 18 characters."""

    def clean_salesforce_id(self) -> str:
        try:
            salesforce_id = normalize_id(self.cleaned_data["salesforce_id"], "The id")
        except Unreadable as error:
            raise ValidationError(f"{error.detail}.") from error
        if not salesforce_id.startswith("00D"):
            raise ValidationError(_("An organization ID begins with 00D."))
        return salesforce_id


@admin.register(SalesforceOrganization)
class OrganizationAdmin(RowActions[SalesforceOrganization]):
    """Organizations."""

    row_actions = ROW_ACTIONS
    form = OrganizationForm
    list_display = ("name", "salesforce_id", "state", "paused", "waiting", "dead", "quarantined", "silence")
    list_filter = ("mode",)
    list_per_page = 50
    search_fields = ("name", "salesforce_id")

    def get_readonly_fields(
        self, request: HttpRequest, obj: SalesforceOrganization | None = None
    ) -> tuple[str, ...]:
        return ("salesforce_id", *HEARTBEAT) if obj else ()

    def get_fields(self, request: HttpRequest, obj: SalesforceOrganization | None = None) -> tuple[str, ...]:
        return ("salesforce_id", "name", "mode", *(HEARTBEAT if obj else ()))

    def get_queryset(self, request: HttpRequest) -> Organizations:
        return super().get_queryset(request).annotate(now=ClockTimestamp())

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        shown = list(changelist.result_list)
        found = count_by_organization(shown)
        for organization in shown:
            organization.standing = found[organization.pk]
        changelist.result_list = shown  # the same rows, not read again
        return changelist

    def save_model(self, request: HttpRequest, obj: SalesforceOrganization, form: Any, change: Any) -> None:
        # The heartbeats may have moved on since the row was read for this request.
        obj.save(update_fields=("name", "mode", "updated_at") if change else None)
        if obj.mode != Mode.OFF and filter_held_messages(obj).exists():
            messages.info(request, self._have_waited(request, obj))

    def _have_waited(self, request: HttpRequest, organization: SalesforceOrganization) -> SafeString:
        said = format_html(gettext("Messages are held for {}"), organization.name)
        if url := build_reprocess_url(self, request, organization):
            return format_html(gettext('{}: <a href="{}">reprocess them</a>.'), said, url)
        return format_html(gettext("{}: choose “{}” in the list."), said, REPROCESS.label)

    @admin.display(description=_("mode"))
    def state(self, organization: SalesforceOrganization) -> str:
        return organization.mode  # the word alone; what it means is said where it is chosen

    @admin.display(description=_("last heartbeat"), ordering="heartbeat_received_at")
    def silence(self, organization: SalesforceOrganization) -> str:
        """By the database's clock; what is too long, `passport health` says."""
        if organization.heartbeat_received_at is None:
            return gettext("never")
        return gettext("%(time)s ago") % {
            "time": format_duration(organization.now - organization.heartbeat_received_at)  # type: ignore[attr-defined]  # annotated above
        }

    @admin.display(description=_("paused"))
    def paused(self, organization: SalesforceOrganization) -> str:
        return ", ".join(event_type or "all" for event_type in _count_failed(organization).paused)

    @admin.display(description=_("waiting"))
    def waiting(self, organization: SalesforceOrganization) -> SafeString | str:
        standing = _count_failed(organization)
        return self._count(standing.waiting, f"organization__id__exact={organization.pk}&status=waiting")

    @admin.display(description=_("dead"))
    def dead(self, organization: SalesforceOrganization) -> SafeString | str:
        standing = _count_failed(organization)
        # By Salesforce's id, as they are counted: pointers have no other.
        query = f"organization_salesforce_id={organization.salesforce_id}&status=dead"
        return self._count(standing.dead, query)

    @admin.display(description=_("quarantined"))
    def quarantined(self, organization: SalesforceOrganization) -> str:
        return f"{_count_failed(organization).quarantined:,}"

    def _count(self, count: int, query: str) -> SafeString | str:
        url = self.list_url(ProcessedMessage, query)
        text = f"{count:,}"
        return format_html('<a href="{}">{}</a>', url, text) if count and url else text


def _count_failed(organization: SalesforceOrganization) -> OrganizationCounts:
    standing: OrganizationCounts = organization.standing  # type: ignore[attr-defined]  # put there for the list
    return standing
