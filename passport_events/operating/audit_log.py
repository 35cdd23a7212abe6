"""Who asked for an operation, and its rows in the audit log."""

from __future__ import annotations

import dataclasses
import functools
import getpass
import socket
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, router, transaction

from passport_events.dispatching import dispatcher
from passport_events.exceptions import OperationRefused
from passport_events.instrumentation import Notification, emit
from passport_events.models import (
    ActionKind,
    Delivery,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
)

MAX_NAME_CHARACTERS = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """A user of the admin, or the account that runs a command."""

    name: str
    user: Any = None
    """An instance of AUTH_USER_MODEL; None for a command."""

    @classmethod
    def from_user(cls, user: AbstractBaseUser) -> Self:
        """The user of a request."""
        return cls(user.get_username()[:MAX_NAME_CHARACTERS], user)

    @classmethod
    def from_command(cls) -> Self:
        """The account of this process. In a container it may have no name."""
        try:
            account = getpass.getuser()
        except (KeyError, OSError):
            account = "unknown"
        return cls(f"{account}@{socket.gethostname()} (command)"[:MAX_NAME_CHARACTERS])


def get_database_alias() -> str:
    """The database of messages and of the audit log."""
    return router.db_for_write(ProcessedMessage)


def record_operation(
    kind: ActionKind,
    actor: Actor,
    affected: int,
    *,
    reason: str = "",
    organization: SalesforceOrganization | None = None,
) -> None:
    """Add an entry for an operation, in its transaction. An operation that changed nothing gets none."""
    if not affected:
        return
    add_entry(kind, actor, affected, reason=reason, organization=organization)
    announce(kind, actor, affected)


def add_entry(kind: ActionKind, actor: Actor, affected: int = 0, **columns: Any) -> OperatorAction:
    """Add an entry."""
    return OperatorAction.objects.create(
        kind=kind, actor=actor.user, actor_name=actor.name, affected=affected, **columns
    )


def announce(kind: str, actor: Actor, count: int = 0) -> None:
    """After the commit, emit OPERATED and wake workers for due messages."""
    announced = functools.partial(emit, Notification.OPERATED, kind=str(kind), actor=actor.name, count=count)
    transaction.on_commit(announced, using=get_database_alias(), robust=True)
    transaction.on_commit(dispatcher.dispatch, using=get_database_alias(), robust=True)


def record_payload_view(row: ProcessedMessage | Delivery | SalesforceRecord, actor: Actor) -> None:
    """Record that `actor` views the payload of this row. Called before the payload is shown."""
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
    transaction.on_commit(said, using=get_database_alias(), robust=True)


MAX_NOTE_CHARACTERS = 500


def add_note(fingerprint: str, text: str, actor: Actor) -> OperatorAction:
    """Add a note to a failure group. Raises OperationRefused if it is empty or too long."""
    if not fingerprint or not text.strip():
        raise OperationRefused("A note needs a group and a text.")
    if len(text) > MAX_NOTE_CHARACTERS:
        raise OperationRefused(
            f"A note has at most {MAX_NOTE_CHARACTERS} characters; link to what is longer."
        )
    with transaction.atomic(using=get_database_alias()):
        written = add_entry(ActionKind.NOTE, actor, reason=text.strip(), fingerprint=fingerprint)
        announce(ActionKind.NOTE, actor)
    return written


def list_notes(fingerprint: str) -> models.QuerySet[OperatorAction]:
    """The notes of a group, the newest first."""
    return list_group_entries(fingerprint).filter(kind=ActionKind.NOTE)


def list_group_operations(fingerprint: str) -> models.QuerySet[OperatorAction]:
    """The operations on a group, the newest first."""
    return list_group_entries(fingerprint).exclude(kind=ActionKind.NOTE)


def list_group_entries(fingerprint: str) -> models.QuerySet[OperatorAction]:
    """The notes of a group and the operations on it, the newest first."""
    return OperatorAction.objects.filter(fingerprint=fingerprint).exclude(fingerprint="").order_by("-pk")
