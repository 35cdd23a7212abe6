"""The RQ job of the loop by hand."""

from __future__ import annotations

import os

from django.db import transaction
from django.utils import timezone

from benchmarks.throughput.peers.change import read_message
from benchmarks.throughput.peers.models import Event, Record

CALLS_HANDLER = os.environ.get("PASSPORT_BENCH_HANDLER") == "1"


def process_event(pk: int) -> None:
    """Bring the record up to date, call the handler where there is one, finish the event."""
    with transaction.atomic():
        event = Event.objects.select_related("organization").select_for_update(of=("self",)).get(pk=pk)
        change = read_message(event.body)
        record, _ = Record.objects.select_for_update().get_or_create(
            record_id=change.record_id, defaults={"organization": event.organization}
        )
        if change.version > record.version:
            record.version, record.fields = change.version, change.fields
        record.applied += 1
        record.save()
        if CALLS_HANDLER:
            from benchmarks.throughput.enrolment.handler import enrol  # noqa: PLC0415  # not for all

            enrol(record.record_id, record.fields["StageName"], record.fields["Amount"])
        event.finished_at = timezone.now()
        event.save()
