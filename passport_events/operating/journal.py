"""Writing down what an operator did, and telling workers once it is committed."""

from __future__ import annotations

import functools
from typing import Any

from django.db import router, transaction

from passport_events.dispatching import dispatcher
from passport_events.instrumentation import Notification, emit
from passport_events.models import (
    ActionKind,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
)
from passport_events.operating.actor import Actor


def database() -> str:
    """Where messages and the journal are written, in one transaction."""
    return router.db_for_write(ProcessedMessage)


def write(
    kind: ActionKind,
    actor: Actor,
    affected: int,
    *,
    reason: str = "",
    organization: SalesforceOrganization | None = None,
) -> None:
    """Add the one row for one operation. To be called inside its transaction.

    An operation that changed nothing leaves no row: the second of two clicks did nothing.
    """
    if not affected:
        return
    enter(kind, actor, affected, reason=reason, organization=organization)
    tell(kind, actor, affected)


def enter(kind: ActionKind, actor: Actor, affected: int = 0, **columns: Any) -> OperatorAction:
    """Add a row, whatever it changed."""
    return OperatorAction.objects.create(
        kind=kind, actor=actor.user, actor_name=actor.name, affected=affected, **columns
    )


def tell(kind: str, actor: Actor, count: int = 0) -> None:
    """After the commit: announce, and wake workers for what is due now. A roll-back says nothing."""
    announced = functools.partial(emit, Notification.OPERATED, kind=str(kind), actor=actor.name, count=count)
    transaction.on_commit(announced, using=database(), robust=True)
    transaction.on_commit(dispatcher.dispatch, using=database(), robust=True)
