"""Filters whose choices cost no query over the messages."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from passport_events import conf
from passport_events.admin.pagination import MAX_CHOICES
from passport_events.exceptions import Unreadable
from passport_events.models import LIVE, Delivery, ProcessedMessage, SalesforceOrganization, Status
from passport_events.models.status import FAILED
from passport_events.operating.selection import parse_id
from passport_events.salesforce_ids import normalize_id

WINDOW = 100_000
"""Messages that a list looks at which is filtered by type or organization alone."""
FAILED_FILTER = "failed"
"""The value of the status filter for dead and quarantined messages."""
_INDEXED = ("q", "fingerprint", "record_id")


class StatusFilter(admin.SimpleListFilter):
    """By status; `failed` is dead or quarantined."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(FAILED_FILTER, gettext("failed")), *((status.value, status.value) for status in Status)]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProcessedMessage]
    ) -> QuerySet[ProcessedMessage] | None:
        status = self.value()
        if status == FAILED_FILTER:
            return queryset.filter(status__in=FAILED)
        if status in LIVE:
            # The same rows, and what lets the database use the index of due rows.
            return queryset.filter(status=status, due_at__isnull=False)
        return queryset.filter(status=status) if status else None


class EventTypeFilter(admin.SimpleListFilter):
    """By event type, as the settings name them."""

    title = _("event type")
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in conf.get_settings().live_types()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProcessedMessage]
    ) -> QuerySet[ProcessedMessage] | None:
        return _find_newest(queryset.filter(event_type=self.value()), request) if self.value() else None


class OrganizationFilter(admin.SimpleListFilter):
    """By organization; one query, for their names. Others than the first are linked from their own list."""

    title = _("organization")
    parameter_name = "organization__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = SalesforceOrganization.objects.values_list("pk", "name")
        return [(str(pk), name) for pk, name in names[:MAX_CHOICES]]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProcessedMessage]
    ) -> QuerySet[ProcessedMessage] | None:
        key = parse_id(self.value() or "")
        if key is None:
            return None
        home = SalesforceOrganization.objects.filter(pk=key).values("salesforce_id")
        # Its id in Salesforce as well, because that is what the indexes of failures have.
        rows = queryset.filter(organization=key, organization_salesforce_id=Subquery(home))
        return _find_newest(rows, request)


def is_windowed(request: HttpRequest) -> bool:
    """Whether a list looks at the newest messages only.

    A type or an organization alone has no index, and what succeeded is most of the table: of a small one
    a database would look for the first hundred messages through all that there are.
    """
    asked = request.GET
    is_broad = any(asked.get(each.parameter_name) for each in (EventTypeFilter, OrganizationFilter))
    is_indexed = any(asked.get(name) for name in _INDEXED)
    is_succeeded = (asked.get("status") or Status.SUCCEEDED) == Status.SUCCEEDED
    return is_broad and not is_indexed and is_succeeded


def _find_newest(queryset: QuerySet[ProcessedMessage], request: HttpRequest) -> QuerySet[ProcessedMessage]:
    if not is_windowed(request):
        return queryset
    newest = ProcessedMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return queryset.filter(pk__gt=newest - WINDOW)


_DEDUP_KEY = re.compile(r"[0-9a-f]{64}")
_PRIMARY_KEY = re.compile(r"[0-9]{1,14}")
HELP = _("Complete IDs only: message, Salesforce record, dedup key, SQS or SNS message.")


def search_messages(text: str) -> Q:
    """The messages that a search means."""
    if _DEDUP_KEY.fullmatch(text):
        return Q(dedup_key=text)
    if _PRIMARY_KEY.fullmatch(text):
        return Q(pk=int(text))
    try:
        return Q(record_id=normalize_id(text))
    except Unreadable:
        return Q(delivery__in=Delivery.objects.filter(search_deliveries(text)).values("pk"))


def search_deliveries(text: str) -> Q:
    """The deliveries that a search means."""
    return Q(sqs_message_id=text) | Q(sns_message_id=text)


def search_records(text: str) -> Q:
    """The records that a search means."""
    try:
        return Q(record_id=normalize_id(text))
    except Unreadable:
        return Q(record_id=text)
