"""What the monolith does with events: one handler per event type.

A handler looks at `record`, the merged state, and not at the order in which events come. So whichever
event of a record is handled last leaves the row right.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from passport_events import Event, handles
from project.admissions import faults
from project.admissions.models import AppliedEvent, Attachment, File, LineItem, Opportunity

if TYPE_CHECKING:
    from passport_events.models import SalesforceRecord


@handles("opportunity")
def keep_opportunity(event: Event, record: SalesforceRecord) -> None:
    """Keep one row per opportunity."""
    _note(event)
    if record.is_deleted:
        Opportunity.objects.filter(**_row_of(event)).delete()
    else:
        Opportunity.objects.update_or_create(
            **_row_of(event),
            defaults={
                "name": record.get("Name") or "",
                "stage": record.get("StageName") or "",
                "amount": record.get("Amount"),
                "close_date": record.get("CloseDate"),
            },
        )
    # After the writes, so that one which survived the rollback would show in the figures.
    faults.fail_if_asked(event)


@handles("item")
def keep_line_item(event: Event, record: SalesforceRecord) -> None:
    """Keep one row per line item."""
    _note(event)
    if record.is_deleted:
        LineItem.objects.filter(**_row_of(event)).delete()
    else:
        LineItem.objects.update_or_create(
            **_row_of(event),
            defaults={
                "opportunity_id": record.get("OpportunityId") or "",
                "product": record.get("ProductCode") or "",
                "quantity": record.get("Quantity"),
                "unit_price": record.get("UnitPrice"),
            },
        )
    faults.fail_if_asked(event)


def read_file(event: Event) -> str:
    """The checksum of the file that the event names, or an empty string.

    Reading it from S3 would stand here, outside any transaction; a hash of its name stands for it.
    """
    location = event.fields.get("VersionDataUrl")
    return hashlib.sha256(location.encode()).hexdigest() if location else ""


@handles("attachment", prepare=read_file)
def keep_attachment(event: Event, record: SalesforceRecord) -> None:
    """Keep one row per attachment, with the checksum of its newest file."""
    _note(event)
    if event.prepared:
        File.objects.update_or_create(
            location=event.fields["VersionDataUrl"], defaults={"checksum": event.prepared}
        )
    if record.is_deleted:
        Attachment.objects.filter(**_row_of(event)).delete()
    else:
        location = record.get("VersionDataUrl") or ""
        # Not the file of this event: a late one has read an older file, and the newest may have been read
        # before the event came that brought the record back.
        read = File.objects.filter(location=location).first()
        Attachment.objects.update_or_create(
            **_row_of(event),
            defaults={
                "title": record.get("Title") or "",
                "location": location,
                "checksum": read.checksum if read else "",
            },
        )
    faults.fail_if_asked(event)


def _row_of(event: Event) -> dict[str, Any]:
    return {"organization": event.organization, "record_id": event.record_id}


def _note(event: Event) -> None:
    AppliedEvent.objects.create(
        idempotency_key=event.idempotency_key,
        event_type=event.event_type,
        attempt=event.attempt,
        **_row_of(event),
    )
