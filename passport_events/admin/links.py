"""Links from what somebody looks at to the page that mends it, with what it asks for filled in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest

from passport_events.admin.actions import BulkActions
from passport_events.admin.base import PassportModelAdmin
from passport_events.models import OperatorAction, ProcessedMessage, SalesforceOrganization, Status
from passport_events.operating.operations import REPLAY, REPLAYABLE, REPROCESS

MAX_UNKNOWN = 5
VIEW_MESSAGES = "passport_events.view_processedmessage"
ADD_ORGANIZATION = "passport_events.add_salesforceorganization"


def find_audit_log(desk: PassportModelAdmin[Any], request: HttpRequest) -> BulkActions | None:
    """Where actions begin; None where the journal is not on this site, or not for this person."""
    try:
        journal = desk.admin_site.get_model_admin(OperatorAction)
    except NotRegistered:
        return None
    if not isinstance(journal, BulkActions) or not journal.has_view_permission(request):
        return None
    return journal


def build_reprocess_url(
    desk: PassportModelAdmin[Any], request: HttpRequest, organization: SalesforceOrganization
) -> str:
    """Where what waited for an organization can be reprocessed; empty for who may not."""
    statuses = (Status.QUARANTINED, Status.IGNORED)
    return _build_act_url(
        desk, request, REPROCESS.permission, statuses=statuses, organization=organization.salesforce_id
    )


def build_replay_url(desk: PassportModelAdmin[Any], request: HttpRequest, message: ProcessedMessage) -> str:
    """Where all that a release ended as it ended this message can be replayed; empty for who may not."""
    if not message.release or not message.event_type or message.status not in REPLAYABLE:
        return ""
    return _build_act_url(
        desk,
        request,
        REPLAY.permission,
        statuses=[message.status],
        event_type=message.event_type,
        release=message.release,
    )


def list_unknown_organizations(
    desk: PassportModelAdmin[Any], request: HttpRequest, ids: Iterable[str], known: Collection[str]
) -> list[dict[str, str]]:
    """Where organizations that nobody has added can be added: the first of them."""
    url = desk.url_for(SalesforceOrganization, "add")
    if not url or not request.user.has_perm(ADD_ORGANIZATION):
        return []
    unknown = [id_ for id_ in ids if id_ and id_ not in known]
    return [{"id": id_, "url": f"{url}?{urlencode({'salesforce_id': id_})}"} for id_ in unknown[:MAX_UNKNOWN]]


def _build_act_url(desk: PassportModelAdmin[Any], request: HttpRequest, permission: str, **said: Any) -> str:
    journal = find_audit_log(desk, request)
    if journal is None or not request.user.has_perms((permission, VIEW_MESSAGES)):
        return ""
    return f"{journal.url('act')}?{urlencode(said, doseq=True)}"
