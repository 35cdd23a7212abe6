"""Organizations: find one, reprocess its held messages, count its messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from django.db.models import Count, Q

from passport_events.dispatching.flow_control import FlowControls
from passport_events.exceptions import NothingToDo, OperationRefused, Unreadable
from passport_events.models import Mode, ProcessedMessage, SalesforceOrganization, Status
from passport_events.models.status import LIVE
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import REPROCESS
from passport_events.operating.selection import Messages, Selection
from passport_events.salesforce_ids import normalize_id

HELD_REASONS = ("unknown_organization", "organization_off")
"""Reasons of held messages, until the organization is added or switched on."""


def find_organization(salesforce_id: str) -> SalesforceOrganization:
    """The organization with this id, in 15 or 18 characters. Raises OperationRefused."""
    try:
        return SalesforceOrganization.objects.get(
            salesforce_id=normalize_id(salesforce_id, "the organization")
        )
    except Unreadable as error:
        raise OperationRefused(f"{error.detail}, like 00D5f000000CabWEAS.") from error
    except SalesforceOrganization.DoesNotExist as error:
        raise OperationRefused(f"No organization {salesforce_id} is known. Add it in the admin.") from error


def reprocess_organization(organization: SalesforceOrganization, actor: Actor) -> int:
    """Reprocess the held messages of an organization; returns how many changed in the first step.

    Periodic tasks take the other steps. Raises OperationRefused while it is off.
    """
    try:
        action = runner.start(REPROCESS, select_held_messages(organization), actor)
    except NothingToDo:
        return 0
    runner.run_step(action.pk)
    action.refresh_from_db(fields=("affected",))
    return action.affected


def select_held_messages(organization: SalesforceOrganization) -> Selection:
    """The held messages of one organization. Raises OperationRefused while it is off."""
    mode = SalesforceOrganization.objects.filter(pk=organization.pk).values_list("mode", flat=True).first()
    if mode is None:
        raise OperationRefused(f"Organization {organization.salesforce_id} does not exist any more.")
    if mode == Mode.OFF:
        raise OperationRefused(
            f"Organization {organization.salesforce_id} is off. Set its mode to live or shadow."
        )
    return Selection(statuses=(Status.QUARANTINED, Status.IGNORED), organization=organization.salesforce_id)


def filter_held_messages(organization: SalesforceOrganization) -> Messages:
    """Messages that came before an organization was known, or while it was off."""
    rows = ProcessedMessage.objects.filter(organization_salesforce_id=organization.salesforce_id)
    return REPROCESS.filter_eligible(rows).filter(reason__in=HELD_REASONS)


@dataclasses.dataclass(frozen=True, slots=True)
class OrganizationCounts:
    """Messages and pauses of one organization."""

    waiting: int = 0
    dead: int = 0
    quarantined: int = 0
    paused: tuple[str, ...] = ()
    """Paused event types; an empty text is every event type."""


def count_by_organization(organizations: Collection[SalesforceOrganization]) -> dict[int, OrganizationCounts]:
    """Messages and pauses by primary key. Four queries for any number of organizations."""
    waiting = _count(Q(status__in=LIVE, due_at__isnull=False), "organization", [o.pk for o in organizations])
    # By Salesforce id: messages of an unknown organization have no foreign key.
    ids = [organization.salesforce_id for organization in organizations]
    dead = _count(Q(status=Status.DEAD), "organization_salesforce_id", ids)
    quarantined = _count(Q(status=Status.QUARANTINED), "organization_salesforce_id", ids)
    pauses = FlowControls.read().pauses
    return {
        organization.pk: OrganizationCounts(
            waiting=waiting.get(organization.pk, 0),
            dead=dead.get(organization.salesforce_id, 0),
            quarantined=quarantined.get(organization.salesforce_id, 0),
            paused=tuple(
                sorted(p.event_type or "" for p in pauses if p.organization in (None, organization.pk))
            ),
        )
        for organization in organizations
    }


def _count(condition: Q, by: str, values: Collection[object]) -> dict[object, int]:
    rows = ProcessedMessage.objects.filter(condition, **{f"{by}__in": values}).order_by()
    return dict(rows.values_list(by).annotate(Count("pk")))
