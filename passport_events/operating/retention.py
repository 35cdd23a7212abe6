"""Forgetting: what is kept of students' data, and for how long.

What deliveries and messages say goes first; at last the rows themselves, with their dedup keys. In
steps that commit by themselves, the oldest first, so that a purge that is stopped has done the oldest
and another one beside it finds less to do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Self

from django.db import transaction
from django.db.models import Q, QuerySet

from passport_events.clock import StatementTimestamp
from passport_events.conf import Settings
from passport_events.extension_points import purge_hooks
from passport_events.models import Delivery, MessageAttempt, ProcessedMessage, SalesforceRecord
from passport_events.models.personal_data import build_empty_values
from passport_events.models.status import FAILED, TERMINAL
from passport_events.operating import audit_log

MAX_STEP_DELIVERIES = 500
"""Deliveries that one transaction changes."""
MAX_STEP_KEYS = 5_000
"""Keys that one transaction looks at."""
FINISHED = tuple(status for status in TERMINAL if status not in FAILED)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Retention times, counted from the end of a message."""

    payloads: timedelta
    """Payloads of deliveries and messages."""
    dead_letters: timedelta
    """Payloads of dead and quarantined messages."""
    keys: timedelta
    """Everything else: ids, times, attempts, and the dedup key."""
    deleted_records: timedelta
    """The mirror's row of a record that Salesforce deleted."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """From the retention settings."""
        return cls(
            payloads=timedelta(days=settings.payload_retention_days),
            dead_letters=timedelta(days=settings.dead_letter_retention_days),
            keys=timedelta(days=settings.deduplication_retention_days),
            deleted_records=timedelta(days=settings.deleted_record_retention_days),
        )


@dataclasses.dataclass(slots=True)
class PurgeCounts:
    """Counts of what a purge redacted and deleted."""

    redacted_deliveries: int = 0
    redacted_messages: int = 0
    deleted_deliveries: int = 0
    deleted_messages: int = 0
    deleted_records: int = 0
    app_rows: int = 0
    """Rows that optional apps deleted."""

    @property
    def rows(self) -> int:
        """All changed and deleted rows."""
        return sum(dataclasses.astuple(self))


Progress = Callable[[PurgeCounts], None]


def purge(retention: Retention, progress: Progress = lambda purged: None) -> PurgeCounts:
    """Redact and delete everything that is expired; returns the counts."""
    purged = PurgeCounts()
    cursor, up_to = 0, find_last_key()
    while cursor < up_to:
        cursor = purge_window(cursor, up_to, retention, purged)
        progress(purged)
    purge_apps(purged)
    return purged


def purge_apps(purged: PurgeCounts) -> None:
    """Let optional apps delete their expired rows."""
    purged.app_rows += sum(hook() for hook in purge_hooks.values())


def find_last_key() -> int:
    """The last primary key of deliveries and records, where a purge ends."""
    keys = [rows.order_by("-pk").values_list("pk", flat=True).first() or 0 for rows in _list_tables()]
    return max(keys)


def has_expired_rows(retention: Retention, late: timedelta = timedelta()) -> bool:
    """True if a delivery has been old enough for a purge for `late` or longer."""
    shortest = min(retention.payloads, retention.keys)
    return Delivery.objects.filter(received_at__lt=_compute_cutoff(shortest + late)).exists()


def purge_window(cursor: int, up_to: int, retention: Retention, purged: PurgeCounts) -> int:
    """Purge the next keys of deliveries and records; returns the last key that is done.

    It looks at WINDOW keys at most, however few of them are old, and changes STEP deliveries at most.
    """
    firsts = [
        rows.filter(pk__gt=cursor).order_by("pk").values_list("pk", flat=True).first()
        for rows in _list_tables()
    ]
    first = min((key for key in firsts if key is not None), default=up_to)
    end = min(first - 1 + MAX_STEP_KEYS, up_to)
    is_expired = Q(received_at__lt=_compute_cutoff(retention.keys))
    says = Q(body__isnull=False, received_at__lt=_compute_cutoff(retention.payloads))
    window = Delivery.objects.filter(is_expired | says, pk__gt=cursor, pk__lte=end).order_by("pk")
    ids = list(window.values_list("pk", flat=True)[:MAX_STEP_DELIVERIES])
    if len(ids) == MAX_STEP_DELIVERIES:
        end = ids[-1]
    found = Delivery.objects.filter(pk__in=ids)
    _delete(list(found.filter(is_expired).values_list("pk", flat=True)), retention, purged)
    _redact(list(found.filter(says).values_list("pk", flat=True)), retention, purged)
    # The statement checks the flag itself, because an UNDELETE may come meanwhile.
    gone = SalesforceRecord.objects.filter(
        is_deleted=True, updated_at__lt=_compute_cutoff(retention.deleted_records)
    )
    purged.deleted_records += gone.filter(pk__gt=cursor, pk__lte=end).delete()[0]
    return end


def _list_tables() -> tuple[QuerySet[Delivery], QuerySet[SalesforceRecord]]:
    return Delivery.objects.all(), SalesforceRecord.objects.all()


def _compute_cutoff(span: timedelta) -> Any:
    return StatementTimestamp() - span


def _redact(ids: Sequence[int], retention: Retention, purged: PurgeCounts) -> None:
    if not ids:
        return
    old = Q(status__in=FAILED, finished_at__lt=_compute_cutoff(retention.dead_letters)) | Q(
        status__in=FINISHED, finished_at__lt=_compute_cutoff(retention.payloads)
    )
    with transaction.atomic(using=audit_log.get_database_alias()):
        free = _filter_deliveries(old, ids)
        messages = ProcessedMessage.objects.filter(delivery__in=free)
        MessageAttempt.objects.filter(message__delivery__in=free).update(
            **build_empty_values(MessageAttempt, by_purge=True)
        )
        purged.redacted_messages += messages.update(**build_empty_values(ProcessedMessage, by_purge=True))
        deliveries = Delivery.objects.filter(pk__in=free)
        purged.redacted_deliveries += deliveries.update(**build_empty_values(Delivery, by_purge=True))


def _delete(ids: Sequence[int], retention: Retention, purged: PurgeCounts) -> None:
    if not ids:
        return
    old = Q(
        status__in=FAILED, finished_at__lt=_compute_cutoff(max(retention.keys, retention.dead_letters))
    ) | Q(status__in=FINISHED, finished_at__lt=_compute_cutoff(retention.keys))
    with transaction.atomic(using=audit_log.get_database_alias()):
        free = _filter_deliveries(old, ids)
        # Attempts and the audit log entries of one message are deleted with it.
        _, counts = ProcessedMessage.objects.filter(delivery__in=free).delete()
        purged.deleted_messages += counts.get("passport_events.ProcessedMessage", 0)
        purged.deleted_deliveries += Delivery.objects.filter(pk__in=free).delete()[0]


def _filter_deliveries(old: Q, ids: Sequence[int]) -> list[int]:
    """The deliveries whose messages are all expired. Locks the messages against a retry."""
    messages = ProcessedMessage.objects.filter(delivery__in=ids)
    list(messages.order_by("pk").select_for_update().values_list("pk", flat=True))
    kept = set(messages.exclude(old).values_list("delivery_id", flat=True))
    return [pk for pk in ids if pk not in kept]
