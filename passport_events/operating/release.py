"""Letting go what waited for an organization to be known, or to be switched on."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet

from passport_events.clock import ClockTimestamp
from passport_events.event import S3_POINTER
from passport_events.exceptions import OperationRefused, Unreadable
from passport_events.models import ActionKind, Mode, ProcessedMessage, SalesforceOrganization, Status
from passport_events.operating import journal
from passport_events.operating.actor import Actor
from passport_events.receiving.wire.salesforce_id import to_18

_WAITED = Q(status=Status.QUARANTINED, reason="unknown_organization") | Q(
    status=Status.IGNORED, reason="organization_off"
)


def find_organization(salesforce_id: str) -> SalesforceOrganization:
    """The organization with this id, in 15 or 18 characters. Raises OperationRefused."""
    try:
        return SalesforceOrganization.objects.get(salesforce_id=to_18(salesforce_id, "the organization"))
    except Unreadable as error:
        raise OperationRefused(f"{error.detail}, like 00D5f000000CabWEAS.") from error
    except SalesforceOrganization.DoesNotExist as error:
        raise OperationRefused(f"No organization {salesforce_id} is known. Add it in the admin.") from error


def releasable(organization: SalesforceOrganization) -> QuerySet[ProcessedMessage]:
    """Messages that `release_organization` would let go. Redacted ones have nothing left to handle.

    Pointers never waited for an organization: the events they lead to did.
    """
    waited = ProcessedMessage.objects.filter(_WAITED, organization_salesforce_id=organization.salesforce_id)
    return waited.exclude(content={}).exclude(event_type=S3_POINTER)


def release_organization(organization: SalesforceOrganization, actor: Actor) -> int:
    """Let workers have what came before the organization was known, or while it was off.

    Returns how many messages. Raises OperationRefused while the organization is off, because
    workers would only ignore them again.
    """
    with transaction.atomic(using=journal.database()):
        row = SalesforceOrganization.objects.select_for_update().filter(pk=organization.pk).first()
        if row is None:
            raise OperationRefused(f"Organization {organization.salesforce_id} does not exist any more.")
        if row.mode == Mode.OFF:
            raise OperationRefused(
                f"Organization {row.salesforce_id} is off. Set its mode to live or shadow."
            )
        released = releasable(row).update(
            status=Status.WAITING,
            organization=row,
            reason="",
            due_at=ClockTimestamp(),
            finished_at=None,
            attempts=0,
            put_off_since=None,
        )
        journal.write(ActionKind.RELEASE, actor, released, organization=row)
    return released
