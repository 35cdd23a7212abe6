"""Search the bytes of stored deliveries for one record, in steps and without a lock."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.db.models import Exists, OuterRef

from passport_events import conf
from passport_events.models import Delivery, ProcessedMessage
from passport_events.operating.record_search import MAX_DEPTH, names_record
from passport_events.receiving.stored_delivery import reread

STEP = 200
"""Deliveries that are searched at a time."""

Progress = Callable[[int], None]


def find_deliveries(organization_id: str, record_id: str, progress: Progress) -> set[int]:
    """Primary keys of deliveries of the organization, or of an unknown one, whose bytes are about the record.

    `progress` is given the number of deliveries that were searched so far.

    Those that were read are about the records of their events, and a mere reference is no copy: an
    event that arrived before has no message here. Those that were refused are about every id in them.
    """
    ours = ProcessedMessage.objects.filter(organization_salesforce_id__in=(organization_id, ""))
    of_delivery = ours.filter(delivery=OuterRef("pk"))
    rows = Delivery.objects.filter(Exists(of_delivery), body__isnull=False).annotate(
        is_refused=Exists(of_delivery.filter(record_id=""))
    )
    found: set[int] = set()
    last, searched = 0, 0
    while page := list(rows.filter(pk__gt=last).order_by("pk")[:STEP]):
        found |= {delivery.pk for delivery in page if _is_about(delivery, record_id)}
        last, searched = page[-1].pk, searched + len(page)
        progress(searched)
    return found


def _is_about(delivery: Delivery, record_id: str) -> bool:
    is_refused: bool = delivery.is_refused  # type: ignore[attr-defined]  # annotated
    texts = (bytes(delivery.body or b""), json.dumps(delivery.attributes).encode())
    # No format that is read holds a record's id in another encoding than JSON.
    depth = MAX_DEPTH if is_refused else 0
    if not any(names_record(text, record_id, depth) for text in texts):
        return False
    if is_refused:
        return True
    reading = reread(delivery, conf.current())
    # What was read once and cannot be read today counts as refused.
    return not reading.events or any(event.record_id == record_id for event in reading.events)
