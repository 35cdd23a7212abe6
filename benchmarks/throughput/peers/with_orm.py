"""The work of one event with Django's ORM, in one transaction, as one writes it with care."""

from __future__ import annotations

import functools

from django.db import transaction
from django.utils import timezone

from benchmarks.throughput.peers.change import Change
from benchmarks.throughput.peers.models import Event, Organization, Record


@functools.cache
def organization_pk(salesforce_id: str) -> int:
    """Asked once per process: a peer's user who cares about speed does that."""
    pk: int = Organization.objects.get(salesforce_id=salesforce_id).pk
    return pk


def apply(change: Change) -> None:
    """Record the event once, and bring its record up to date."""
    organization = organization_pk(change.organization)
    with transaction.atomic():
        _, is_new = Event.objects.get_or_create(
            key=change.key,
            defaults={
                "organization_id": organization,
                "record_id": change.record_id,
                "body": change.body,
                "finished_at": timezone.now(),
            },
        )
        if not is_new:
            return
        record, _ = Record.objects.select_for_update().get_or_create(
            record_id=change.record_id, defaults={"organization_id": organization}
        )
        if change.version > record.version:
            record.version, record.fields = change.version, change.fields
        record.applied += 1
        record.save()
