"""Reading what is there after a run, straight from the servers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.db import connection

from passport_events.models import ProcessedMessage, SalesforceRecord
from project.demo import aws
from project.demo.oracle import MirrorRow, RecordKey
from tests.chaos import journal
from tests.chaos.audit import STALE_COMPLETIONS
from tests.chaos.checker import EffectRow, Evidence, MessageRow
from tests.chaos.cluster import Cluster
from tests.chaos.ledger.models import Effect
from tests.chaos.producer import ATTRIBUTE
from tests.chaos.story import Chapter, Expected, Place


def observe(cluster: Cluster, chapters: Iterable[Chapter], log: Path) -> Evidence:
    """Everything that the checker needs."""
    events: dict[Place, Expected] = {}
    malformed: dict[str, str] = {}
    for chapter in chapters:
        events |= chapter.events
        malformed |= chapter.malformed
    with log.open() as lines:
        published = journal.read(lines)
    queues = cluster.queues()
    return Evidence(
        published=published,
        events=events,
        malformed=malformed,
        messages=_messages(),
        effects=_effects(),
        mirror=_mirror(),
        in_queue=aws.depth(queues, cluster.queue_url),
        in_dead_letter_queue=aws.depth(queues, cluster.dead_letter_queue_url),
        stale_completions=_stale_completions(),
    )


def _messages() -> tuple[MessageRow, ...]:
    rows = ProcessedMessage.objects.values_list(
        "organization_salesforce_id", "record_id", "version", "delivery__attributes", "status", "reason"
    )
    return tuple(
        MessageRow(place_of(organization, record, version), attributes.get(ATTRIBUTE, ""), status, reason)
        for organization, record, version, attributes, status, reason in rows.iterator()
    )


def _effects() -> tuple[EffectRow, ...]:
    rows = Effect.objects.values_list("organization", "record_id", "version", "generation", "value")
    found = []
    for organization, record, version, generation, value in rows.iterator():
        place = place_of(organization, record, version) or Place(organization, record, 0, 0)
        found.append(EffectRow(place, generation, value))
    return tuple(found)


def _mirror() -> dict[RecordKey, MirrorRow]:
    rows = SalesforceRecord.objects.values_list(
        "organization__salesforce_id", "record_id", "fields", "is_deleted", "is_complete"
    )
    return {
        (organization, record): MirrorRow(
            {name: value for name, value in fields.items() if value is not None}, is_deleted, is_complete
        )
        for organization, record, fields, is_deleted, is_complete in rows.iterator()
    }


def _stale_completions() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT message, before, after FROM {STALE_COMPLETIONS}")  # noqa: S608  a constant
        return tuple(f"message {pk}: {before} became {after}" for pk, before, after in cursor.fetchall())


def place_of(organization: str, record: str, version: str) -> Place | None:
    """The event that a version stands for: its first part is the time, its last one the sequence."""
    parts = version.split(".")
    if not record or len(parts) < 3:
        return None
    return Place(organization, record, int(parts[0]), int(parts[-1]))
