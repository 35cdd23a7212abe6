"""Reading what is: the inbox, the mirror, the monolith's tables, and how far everything has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count

from passport_events.models import Heartbeat, ProcessedMessage, SalesforceRecord
from project.admissions.models import AppliedEvent, Attachment, LineItem, Opportunity
from project.demo.oracle import MirrorRow, RecordKey, Row
from project.demo.verdict import Arrival, Observed

COLUMNS: Mapping[str, tuple[models.Manager[Any], tuple[str, ...]]] = {
    "Opportunity": (Opportunity.objects, ("name", "stage", "amount", "close_date")),
    "ContentVersion": (Attachment.objects, ("title", "location", "checksum")),
    "OpportunityLineItem": (LineItem.objects, ("opportunity_id", "product", "quantity", "unit_price")),
}
"""Entity -> the monolith's table for it, and its columns in the order of `oracle.TABLES`."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages have which status."""

    by_status: Mapping[str, int]

    @property
    def recorded(self) -> int:
        """All of them."""
        return sum(self.by_status.values())

    @property
    def live(self) -> int:
        """Those that something still happens to."""
        return self.by_status.get("waiting", 0) + self.by_status.get("processing", 0)


def count() -> Counts:
    """A cheap look, for the screen."""
    # Not Count("*") over an ordered queryset: the default order would end up in GROUP BY.
    rows = ProcessedMessage.objects.order_by().values_list("status").annotate(Count("pk"))
    return Counts(dict(rows))


def is_polled() -> bool:
    """Whether a poller has shown signs of life."""
    return Heartbeat.objects.filter(kind="poller").exists()


def observe(in_dead_letter_queue: int) -> Observed:
    """Everything that the verdict needs."""
    return Observed(
        arrivals=_arrivals(),
        mirror=_mirror(),
        tables={entity: _table(manager, columns) for entity, (manager, columns) in COLUMNS.items()},
        in_dead_letter_queue=in_dead_letter_queue,
    )


def _arrivals() -> tuple[Arrival, ...]:
    applied = Counter(AppliedEvent.objects.values_list("idempotency_key", flat=True))
    rows = ProcessedMessage.objects.values_list(
        "delivery__sns_message_id", "status", "reason", "finished_at", "dedup_key", "generation"
    )
    return tuple(
        Arrival(
            sns_message_id=sns_message_id,
            status=status,
            reason=reason,
            finished_at=finished_at.timestamp() if finished_at else None,
            applied=applied[f"{dedup_key}:{generation}"],
        )
        for sns_message_id, status, reason, finished_at, dedup_key, generation in rows
    )


def _mirror() -> dict[RecordKey, MirrorRow]:
    rows = SalesforceRecord.objects.values_list(
        "organization__salesforce_id", "record_id", "fields", "is_deleted", "is_complete"
    )
    return {
        (organization, record): MirrorRow(
            {name: value for name, value in fields.items() if value is not None}, is_deleted, is_complete
        )
        for organization, record, fields, is_deleted, is_complete in rows
    }


def _table(manager: models.Manager[Any], columns: tuple[str, ...]) -> dict[RecordKey, Row]:
    rows = manager.values_list("organization", "record_id", *columns)
    return {(row[0], row[1]): row[2:] for row in rows}
