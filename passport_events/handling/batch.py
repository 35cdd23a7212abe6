"""Merging a whole batch of messages that have no handler in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import router, transaction
from django.db.models import F

from passport_events import conf
from passport_events.db.any_of import AnyOf
from passport_events.db.per_row_value import PerRowValue
from passport_events.exceptions import LeaseLost
from passport_events.handling.merging import merge_all
from passport_events.handling.plan import Plan
from passport_events.handling.turn import names_of
from passport_events.instrumentation import Notification, emit
from passport_events.models import ProcessedMessage, SalesforceRecord, Status


def merge_batch(messages: Sequence[ProcessedMessage], plan: Plan, lease_token: UUID) -> None:
    """Bring messages to the one status of their plan, in three statements.

    Raises LeaseLost when any of them is not held any more; then none of it stays.
    """
    with transaction.atomic(using=router.db_for_write(SalesforceRecord)):
        fared = {one.message.pk: names_of(one.merged) for one in merge_all(messages)} if plan.merges else None
        finish_batch([message.pk for message in messages], fared, plan.status, plan.reason, lease_token)
    for message in messages:
        emit(Notification(plan.status), message_id=message.pk, event_type=message.event_type)


def finish_batch(
    ids: Collection[int],
    fared: Mapping[int, Mapping[str, Any]] | None,
    status: Status,
    reason: str,
    lease_token: UUID,
) -> None:
    """End messages in one statement; `fared` has the names of each one's fields, if any were merged.

    Raises LeaseLost when any of them is not held any more.
    """
    merged = {} if fared is None else {"merged": PerRowValue(fared)}
    also = {"reason": reason, "attempts": F("attempts") + 1, "release": conf.current().release}
    ended = ProcessedMessage.objects.filter(AnyOf("pk", ids)).finish(lease_token, status, **also, **merged)
    if ended < len(ids):
        raise LeaseLost(f"{len(ids) - ended} of {len(ids)} messages are held by another worker")
