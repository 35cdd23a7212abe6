"""How organizations stand: what waits, what needs a person, what is paused. Four queries for any number."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from django.db.models import Count, Q

from passport_events.dispatching.flow_control import FlowControls
from passport_events.models import ProcessedMessage, SalesforceOrganization, Status
from passport_events.models.status import LIVE


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """One organization."""

    waiting: int = 0
    dead: int = 0
    quarantined: int = 0
    paused: tuple[str, ...] = ()
    """Paused event types; an empty text is all of them."""


def standings(organizations: Collection[SalesforceOrganization]) -> dict[int, Standing]:
    """How each of these stands, by primary key."""
    waiting = _count(Q(status__in=LIVE, due_at__isnull=False), "organization", [o.pk for o in organizations])
    # By Salesforce's id, because messages of an organization that was unknown have no other.
    ids = [organization.salesforce_id for organization in organizations]
    dead = _count(Q(status=Status.DEAD), "organization_salesforce_id", ids)
    quarantined = _count(Q(status=Status.QUARANTINED), "organization_salesforce_id", ids)
    pauses = FlowControls.in_force().pauses
    return {
        organization.pk: Standing(
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
