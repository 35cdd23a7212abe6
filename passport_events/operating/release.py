"""Letting go what waited for an organization."""

from __future__ import annotations

from passport_events.exceptions import NothingToDo, OperationRefused, Unreadable
from passport_events.models import Mode, SalesforceOrganization, Status
from passport_events.operating import background
from passport_events.operating.actor import Actor
from passport_events.operating.selection import Messages, Selection
from passport_events.operating.waited import RELEASE
from passport_events.receiving.wire.salesforce_id import to_18


def find_organization(salesforce_id: str) -> SalesforceOrganization:
    """The organization with this id, in 15 or 18 characters. Raises OperationRefused."""
    try:
        return SalesforceOrganization.objects.get(salesforce_id=to_18(salesforce_id, "the organization"))
    except Unreadable as error:
        raise OperationRefused(f"{error.detail}, like 00D5f000000CabWEAS.") from error
    except SalesforceOrganization.DoesNotExist as error:
        raise OperationRefused(f"No organization {salesforce_id} is known. Add it in the admin.") from error


def waited_for(organization: SalesforceOrganization) -> Selection:
    """Everything of one organization. Raises OperationRefused while it is off."""
    mode = SalesforceOrganization.objects.filter(pk=organization.pk).values_list("mode", flat=True).first()
    if mode is None:
        raise OperationRefused(f"Organization {organization.salesforce_id} does not exist any more.")
    if mode == Mode.OFF:
        raise OperationRefused(
            f"Organization {organization.salesforce_id} is off. Set its mode to live or shadow."
        )
    return _of(organization)


def releasable(organization: SalesforceOrganization) -> Messages:
    """Messages that `release_organization` would let go."""
    return RELEASE.eligible(_of(organization).messages())


def _of(organization: SalesforceOrganization) -> Selection:
    return Selection(statuses=(Status.QUARANTINED, Status.IGNORED), organization=organization.salesforce_id)


def release_organization(organization: SalesforceOrganization, actor: Actor) -> int:
    """Let workers have what came before the organization was known, or while it was off.

    Returns how many went at once; what is more goes in steps, as the journal shows. Raises
    OperationRefused while the organization is off, because workers would only ignore them again.
    """
    try:
        action = background.start(RELEASE, waited_for(organization), actor)
    except NothingToDo:
        return 0
    background.work_on(action.pk)
    action.refresh_from_db(fields=("affected",))
    return action.affected
