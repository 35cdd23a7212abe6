"""The work of one event in two statements by hand: the best that a peer's user can do without batches."""

from __future__ import annotations

from django.db import connection, transaction

from benchmarks.throughput.peers.change import Change
from benchmarks.throughput.peers.statements import (
    RECORD_EVENT,
    UPSERT_RECORD,
    event_values,
    record_values,
)
from benchmarks.throughput.peers.with_orm import organization_pk


def apply(change: Change) -> None:
    """Record the event once, and bring its record up to date."""
    organization = organization_pk(change.organization)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RECORD_EVENT, event_values(change, organization))
        if cursor.rowcount:
            cursor.execute(UPSERT_RECORD, record_values(change, organization))
