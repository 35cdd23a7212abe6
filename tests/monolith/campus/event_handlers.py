"""What the monolith does with events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passport_events import handles
from tests.monolith.campus.models import Deal

if TYPE_CHECKING:
    from passport_events import Event
    from passport_events.models import SalesforceRecord


@handles("opportunity")
def mirror_deal(event: Event, record: SalesforceRecord) -> None:
    """Keep one deal per opportunity."""
    if record.is_deleted:
        Deal.objects.filter(record_id=record.record_id).using("default").delete()
        return
    Deal.objects.update_or_create(
        record_id=record.record_id,
        defaults={"name": record.get("Name") or "", "stage": record.get("StageName") or ""},
    )
