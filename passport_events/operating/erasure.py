"""Erasing what is known of one Salesforce record, because a person may ask for it."""

from __future__ import annotations

import dataclasses

from django.db import transaction

from passport_events.clock import ClockTimestamp
from passport_events.exceptions import OperationRefused
from passport_events.models import (
    ActionKind,
    Delivery,
    MessageAttempt,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.operating import journal
from passport_events.operating.actor import Actor

ERASED = "erased"


@dataclasses.dataclass(frozen=True, slots=True)
class Erased:
    """What was erased."""

    records: int
    messages: int
    deliveries: int


def erase(organization: SalesforceOrganization, record_id: str, actor: Actor, reason: str) -> Erased:
    """Remove everything that messages, deliveries, attempts and the mirror say of a record.

    The messages stay as empty rows with their dedup keys, so that a delivery that comes again brings
    nothing back; what still waited is discarded. A later change in Salesforce makes the record anew:
    erase it there first. A delivery that named other records loses its bytes for them too.
    Raises OperationRefused while a worker holds one of the messages.
    """
    with transaction.atomic(using=journal.database()):
        messages = ProcessedMessage.objects.filter(organization_salesforce_id=organization.salesforce_id)
        messages = messages.filter(record_id=record_id)
        found = list(messages.order_by("pk").select_for_update().values_list("pk", "status", "delivery_id"))
        if any(status == Status.PROCESSING for _, status, _ in found):
            raise OperationRefused(f"A worker has a message of {record_id} in hand. Try again in a minute.")
        rows = ProcessedMessage.objects.filter(pk__in=[pk for pk, _, _ in found])
        rows.filter(status=Status.WAITING).update(
            status=Status.DISCARDED, due_at=None, finished_at=ClockTimestamp(), reason=ERASED
        )
        rows.update(content={}, merged={})
        MessageAttempt.objects.filter(message__in=rows).update(error="")
        deliveries = Delivery.objects.filter(
            pk__in={delivery for _, _, delivery in found}, body__isnull=False
        )
        emptied = deliveries.update(body=None, attributes={})
        gone, _ = SalesforceRecord.objects.filter(organization=organization, record_id=record_id).delete()
        journal.write(ActionKind.ERASE, actor, len(found) + gone, reason=reason, organization=organization)
    return Erased(gone, len(found), emptied)
