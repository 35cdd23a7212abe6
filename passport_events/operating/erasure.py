"""Erase everything that is stored about one Salesforce record."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.db.bulk import split_into_batches
from passport_events.exceptions import OperationRefused
from passport_events.extension_points import erase_hooks
from passport_events.models import (
    ActionKind,
    Delivery,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.models.personal_data import build_empty_values
from passport_events.operating import audit_log
from passport_events.operating.audit_log import Actor
from passport_events.operating.record_search import MAX_DEPTH, contains_record
from passport_events.receiving.stored_delivery import parse_stored

STEP = 200
"""Deliveries that are searched at a time."""

Progress = Callable[[int], None]


def find_deliveries(organization_id: str, record_id: str, progress: Progress) -> set[int]:
    """Primary keys of deliveries of the organization, or of an unknown one, whose bytes are about the record.

    `progress` is given the number of deliveries that were searched so far.

    Those that were read are about the records of their events, and a mere reference is no copy: an
    event that arrived before has no message here. A refused delivery belongs to every id in it, because
    its organization was never checked: it is found if it names this organization at all.
    """
    messages = ProcessedMessage.objects.filter(delivery=OuterRef("pk"))
    refused = messages.filter(record_id="")
    ours = messages.filter(organization_salesforce_id__in=(organization_id, ""))
    rows = Delivery.objects.filter(Exists(ours) | Exists(refused), body__isnull=False).annotate(
        is_refused=Exists(refused), is_ours=Exists(ours)
    )
    found: set[int] = set()
    last, searched = 0, 0
    while page := list(rows.filter(pk__gt=last).order_by("pk")[:STEP]):
        found |= {delivery.pk for delivery in page if _is_about(delivery, organization_id, record_id)}
        last, searched = page[-1].pk, searched + len(page)
        progress(searched)
    return found


def _is_about(delivery: Delivery, organization_id: str, record_id: str) -> bool:
    is_refused: bool = delivery.is_refused  # type: ignore[attr-defined]  # annotated
    is_ours: bool = delivery.is_ours  # type: ignore[attr-defined]  # annotated
    texts = (bytes(delivery.body or b""), json.dumps(delivery.attributes).encode())
    # Every wire format has record ids in plain JSON.
    depth = MAX_DEPTH if is_refused else 0
    wanted = (record_id,) if is_ours else (record_id, organization_id)
    if not all(any(contains_record(text, each, depth) for text in texts) for each in wanted):
        return False
    if is_refused:
        return True
    reading = parse_stored(delivery, conf.get_settings())
    # A delivery that cannot be parsed any more counts as refused.
    return not reading.events or any(event.record_id == record_id for event in reading.events)


ERASED = "erased"
BATCH = 200
"""Rows of one statement."""
EVIDENCE = (ActionKind.LOOK, ActionKind.ERASE)
"""Audit rows that stay whole: who saw a record, and why it was erased."""


@dataclasses.dataclass(frozen=True, slots=True)
class ErasureCounts:
    """Counts of what was erased, or would be."""

    records: int
    messages: int
    deliveries: int
    operations: int
    """Audit rows whose reason was about the record."""
    app_rows: int = 0
    """Rows that optional apps erased; a preview does not count them."""

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(dataclasses.astuple(self))


def erase(
    organization_id: str,
    record_id: str,
    actor: Actor,
    reason: str,
    *,
    progress: Progress = lambda searched: None,
) -> ErasureCounts:
    """Empty or delete every column of `models/personal_data.py` that is about a record.

    Both ids have 18 characters; the organization need not be known. The messages stay as empty rows
    with their dedup keys, so that a repeated delivery restores nothing; waiting messages are
    discarded. A later change in Salesforce creates the record again: erase it there first. A delivery
    that named other records loses its bytes for them too.

    First all deliveries are searched, in steps and without a lock; then one transaction erases. Raises
    OperationRefused while a worker holds one of the messages.
    """
    searched = find_deliveries(organization_id, record_id, progress)
    with transaction.atomic(using=audit_log.get_database_alias()):
        found = _ErasureScope(organization_id, record_id, searched)
        found.lock()
        app_rows = sum(hook(organization_id, record_id) for hook in erase_hooks.values())
        erased = dataclasses.replace(found.count(), app_rows=app_rows)
        if erased.rows:
            found.erase()
            organization = SalesforceOrganization.objects.filter(salesforce_id=organization_id).first()
            affected = erased.messages + erased.records or erased.operations + app_rows
            audit_log.record_operation(
                ActionKind.ERASE, actor, affected, reason=reason, organization=organization
            )
    return erased


def preview_erasure(
    organization_id: str, record_id: str, *, progress: Progress = lambda searched: None
) -> ErasureCounts:
    """Count what `erase` would erase now, and change nothing."""
    return _ErasureScope(
        organization_id, record_id, find_deliveries(organization_id, record_id, progress)
    ).count()


class _ErasureScope:
    """The rows about one record."""

    def __init__(self, organization_id: str, record_id: str, searched: Collection[int]) -> None:
        own = ProcessedMessage.objects.filter(organization_salesforce_id=organization_id, record_id=record_id)
        rows = list(own.values_list("pk", "delivery_id"))
        of_messages = {delivery for _, delivery in rows}
        self.deliveries = of_messages | set(searched) | self._find_pointers({*of_messages, *searched})
        # A delivery that was refused, or is a pointer, has one message, without a record.
        refused = [
            pk
            for part in split_into_batches(self.deliveries, BATCH)
            for pk in ProcessedMessage.objects.filter(delivery__in=part, record_id="").values_list(
                "pk", flat=True
            )
        ]
        self.messages = sorted({pk for pk, _ in rows} | set(refused))
        self.record = SalesforceRecord.objects.filter(
            organization__salesforce_id=organization_id, record_id=record_id
        )
        self._record_id = record_id

    @staticmethod
    def _find_pointers(payloads: Collection[int]) -> set[int]:
        """Deliveries of the pointers that led to these; a payload has the SQS id of its pointer."""
        found: set[int] = set()
        for part in split_into_batches(payloads, BATCH):
            ids = Delivery.objects.filter(pk__in=part).exclude(sqs_message_id="").values("sqs_message_id")
            found |= set(Delivery.objects.filter(sqs_message_id__in=ids).values_list("pk", flat=True))
        return found

    def lock(self) -> None:
        """Raises OperationRefused while a worker holds one of the messages."""
        for part in split_into_batches(self.messages, BATCH):
            rows = ProcessedMessage.objects.filter(pk__in=part).order_by("pk").select_for_update()
            if Status.PROCESSING in rows.values_list("status", flat=True):
                raise OperationRefused(
                    f"A worker holds a message of {self._record_id}. Try again in a minute."
                )

    def count(self) -> ErasureCounts:
        """Count the rows."""
        return ErasureCounts(
            records=self.record.count(),
            messages=len(self.messages),
            deliveries=sum(
                Delivery.objects.filter(pk__in=part, body__isnull=False).exclude(body=b"").count()
                for part in split_into_batches(self.deliveries, BATCH)
            ),
            operations=len(self._find_operations()),
        )

    def erase(self) -> None:
        """Write the empty values of `models/personal_data.py`."""
        for part in split_into_batches(self._find_operations(), BATCH):
            OperatorAction.objects.filter(pk__in=part).update(
                **build_empty_values(OperatorAction) | {"reason": ERASED}
            )
        for part in split_into_batches(self.messages, BATCH):
            rows = ProcessedMessage.objects.filter(pk__in=part)
            rows.filter(status=Status.WAITING).update(
                status=Status.DISCARDED, due_at=None, finished_at=ClockTimestamp()
            )
            rows.update(**build_empty_values(ProcessedMessage) | {"reason": ERASED})
            MessageAttempt.objects.filter(message__in=part).update(**build_empty_values(MessageAttempt))
        for part in split_into_batches(self.deliveries, BATCH):
            deliveries = Delivery.objects.filter(pk__in=part)
            others = ProcessedMessage.objects.filter(delivery=OuterRef("pk")).exclude(reason=ERASED)
            # Empty and not NULL: the purge still has to empty the messages of other records.
            deliveries.filter(Exists(others)).update(**build_empty_values(Delivery) | {"body": b""})
            deliveries.filter(~Exists(others)).update(**build_empty_values(Delivery))
        self.record.delete()

    def _find_operations(self) -> list[int]:
        """Audit rows about one of the messages or whose text names the record."""
        record_id = self._record_id
        said = Q(reason__contains=record_id[:15]) | Q(reason__icontains=record_id)
        rows = OperatorAction.objects.exclude(kind__in=EVIDENCE).exclude(reason__in=("", ERASED))
        found = set(rows.filter(said | Q(selection__record_id=record_id)).values_list("pk", flat=True))
        for part in split_into_batches(self.messages, BATCH):
            found |= set(rows.filter(message__in=part).values_list("pk", flat=True))
        return sorted(found)
