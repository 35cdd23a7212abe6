"""What people write on a group of messages for each other: "fixed in release 41, replay after the deploy"."""

from __future__ import annotations

from django.db import models, transaction

from passport_events.exceptions import OperationRefused
from passport_events.models import ActionKind, OperatorAction
from passport_events.operating import journal
from passport_events.operating.actor import Actor

LONGEST = 500
PERMISSION = "passport_events.note_message"


def note(fingerprint: str, text: str, actor: Actor) -> OperatorAction:
    """Add a note; it stays when the group's messages are retried. Raises OperationRefused without a text."""
    if not fingerprint or not text.strip():
        raise OperationRefused("A note says something about a group: give its fingerprint and a text.")
    if len(text) > LONGEST:
        raise OperationRefused(f"A note has at most {LONGEST} characters; link to what is longer.")
    with transaction.atomic(using=journal.database()):
        written = journal.enter(ActionKind.NOTE, actor, reason=text.strip(), fingerprint=fingerprint)
        journal.tell(ActionKind.NOTE, actor)
    return written


def notes(fingerprint: str) -> models.QuerySet[OperatorAction]:
    """Of a group, the newest first."""
    return of_group(fingerprint).filter(kind=ActionKind.NOTE)


def actions(fingerprint: str) -> models.QuerySet[OperatorAction]:
    """What else was done to a group as such, the newest first."""
    return of_group(fingerprint).exclude(kind=ActionKind.NOTE)


def of_group(fingerprint: str) -> models.QuerySet[OperatorAction]:
    """Everything that was done to a group as such, the newest first."""
    return OperatorAction.objects.filter(fingerprint=fingerprint).exclude(fingerprint="").order_by("-pk")
