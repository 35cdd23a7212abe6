"""Who looked at student data, and when. A look that cannot be written down does not happen."""

from __future__ import annotations

import functools

from django.db import transaction

from passport_events.instrumentation import Notification, emit
from passport_events.models import ActionKind, Delivery, OperatorAction, ProcessedMessage, SalesforceRecord
from passport_events.operating import journal
from passport_events.operating.actor import Actor


def look_at(row: ProcessedMessage | Delivery | SalesforceRecord, actor: Actor) -> None:
    """Write down that `actor` sees the values of this row."""
    OperatorAction.objects.create(
        kind=ActionKind.LOOK,
        actor=actor.user,
        actor_name=actor.name,
        reason="" if isinstance(row, ProcessedMessage) else str(row),
        event_type=row.event_type if isinstance(row, ProcessedMessage) else "",
        organization_id=None if isinstance(row, Delivery) else row.organization_id,
        message_id=row.pk if isinstance(row, ProcessedMessage) else None,
    )
    said = functools.partial(
        emit, Notification.OPERATED, kind=ActionKind.LOOK.value, actor=actor.name, count=0
    )
    transaction.on_commit(said, using=journal.database(), robust=True)
