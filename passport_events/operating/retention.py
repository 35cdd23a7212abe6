"""Forgetting: what is kept of students' data, and for how long.

What deliveries and messages say goes first; at last the rows themselves, with their dedup keys. In
steps that commit by themselves, the oldest first, so that a purge that is stopped has done the oldest
and another one beside it finds less to do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Self

from django.db import transaction
from django.db.models import Q, QuerySet

from passport_events.clock import StatementTimestamp
from passport_events.conf import Settings
from passport_events.models import Delivery, MessageAttempt, ProcessedMessage, SalesforceRecord
from passport_events.models.personal_data import emptied
from passport_events.models.primary import M
from passport_events.models.status import FOR_A_PERSON, TERMINAL
from passport_events.operating import journal

STEP = 500
"""Deliveries, or records, of one transaction."""
OVER = tuple(status for status in TERMINAL if status not in FOR_A_PERSON)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept after their messages ended."""

    payloads: timedelta
    """What deliveries and messages say."""
    dead_letters: timedelta
    """The same of dead letters and quarantined messages."""
    keys: timedelta
    """Everything else: ids, times, attempts, and the dedup key."""
    deleted_records: timedelta
    """The mirror's row of a record that Salesforce deleted."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings say."""
        return cls(
            payloads=timedelta(days=settings.keep_payloads_days),
            dead_letters=timedelta(days=settings.keep_dead_letters_days),
            keys=timedelta(days=settings.keep_keys_days),
            deleted_records=timedelta(days=settings.keep_deleted_records_days),
        )


@dataclasses.dataclass(slots=True)
class Purged:
    """What is gone: evidence for whoever has to show it."""

    redacted_deliveries: int = 0
    redacted_messages: int = 0
    deleted_deliveries: int = 0
    deleted_messages: int = 0
    deleted_records: int = 0

    @property
    def rows(self) -> int:
        """Everything that was changed or deleted."""
        return sum(dataclasses.astuple(self))


Progress = Callable[[Purged], None]


def purge(retention: Retention, progress: Progress = lambda purged: None) -> Purged:
    """Forget everything that has been kept for long enough; returns the counts."""
    purged = Purged()
    for ids in _in_steps(Delivery.objects.filter(received_at__lt=_before(retention.keys))):
        _delete(ids, retention, purged)
        progress(purged)
    unredacted = Delivery.objects.filter(body__isnull=False, received_at__lt=_before(retention.payloads))
    for ids in _in_steps(unredacted):
        _redact(ids, retention, purged)
        progress(purged)
    gone = SalesforceRecord.objects.filter(is_deleted=True, updated_at__lt=_before(retention.deleted_records))
    for ids in _in_steps(gone):
        # Asked again by the statement itself: an UNDELETE may have come.
        purged.deleted_records += gone.filter(pk__in=ids).delete()[0]
        progress(purged)
    return purged


def _before(span: timedelta) -> Any:
    return StatementTimestamp() - span


def _in_steps(rows: QuerySet[M]) -> Iterator[list[int]]:
    last = 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:STEP]):
        yield ids
        last = ids[-1]


def _redact(ids: Sequence[int], retention: Retention, purged: Purged) -> None:
    old = Q(status__in=FOR_A_PERSON, finished_at__lt=_before(retention.dead_letters)) | Q(
        status__in=OVER, finished_at__lt=_before(retention.payloads)
    )
    with transaction.atomic(using=journal.database()):
        free = _all_of_whose_messages_are(old, ids)
        messages = ProcessedMessage.objects.filter(delivery__in=free)
        MessageAttempt.objects.filter(message__delivery__in=free).update(
            **emptied(MessageAttempt, by_purge=True)
        )
        purged.redacted_messages += messages.update(**emptied(ProcessedMessage, by_purge=True))
        deliveries = Delivery.objects.filter(pk__in=free)
        purged.redacted_deliveries += deliveries.update(**emptied(Delivery, by_purge=True))


def _delete(ids: Sequence[int], retention: Retention, purged: Purged) -> None:
    old = Q(
        status__in=FOR_A_PERSON, finished_at__lt=_before(max(retention.keys, retention.dead_letters))
    ) | Q(status__in=OVER, finished_at__lt=_before(retention.keys))
    with transaction.atomic(using=journal.database()):
        free = _all_of_whose_messages_are(old, ids)
        # Attempts, and the journal's rows of one message, go with it.
        _, counts = ProcessedMessage.objects.filter(delivery__in=free).delete()
        purged.deleted_messages += counts.get("passport_events.ProcessedMessage", 0)
        purged.deleted_deliveries += Delivery.objects.filter(pk__in=free).delete()[0]


def _all_of_whose_messages_are(old: Q, ids: Sequence[int]) -> list[int]:
    """Deliveries, with their messages locked: what an operator sends back at this moment stays whole."""
    messages = ProcessedMessage.objects.filter(delivery__in=ids)
    list(messages.order_by("pk").select_for_update().values_list("pk", flat=True))
    kept = set(messages.exclude(old).values_list("delivery_id", flat=True))
    return [pk for pk in ids if pk not in kept]
