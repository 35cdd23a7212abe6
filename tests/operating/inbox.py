"""Messages in every status, stored the way the poller stores them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from passport_events.clock import ClockTimestamp
from passport_events.exceptions import NothingToDo
from passport_events.models import ProcessedMessage, SalesforceOrganization, Status
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import Operation
from passport_events.operating.selection import Selection
from passport_events.receiving import inbox
from passport_events.testing import organization_id, record_id, relay_message, sns_notification
from passport_events.wire.raw_delivery import RawDelivery
from passport_events.wire.s3_pointer import CLASSES
from tests.harness.aws import BUCKET

HOME = organization_id(1)


def organization(number: int = 1, **columns: Any) -> SalesforceOrganization:
    """One that is known."""
    columns = {"name": f"School {number}", "mode": "live"} | columns
    return SalesforceOrganization.objects.create(salesforce_id=organization_id(number), **columns)


def store(body: object) -> ProcessedMessage:
    """Receive one delivery, as bytes or as JSON, and give back its message."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    message_id = str(uuid.uuid4())
    inbox.store([RawDelivery(message_id=message_id, receipt_handle="", body=raw)])
    return ProcessedMessage.objects.get(delivery__sqs_message_id=message_id)


def opportunity(number: int = 1, *, home: str = HOME, **about: Any) -> ProcessedMessage:
    """A message about one opportunity."""
    about.setdefault("fields", {"Name": "Ada"})
    return store(relay_message("Opportunity", record_id("Opportunity", number), organization=home, **about))


def pointer(key: str = "k", *, home: str = HOME) -> ProcessedMessage:
    """A message whose events are in S3; the settings must allow `BUCKET`."""
    body = [CLASSES[0], {"s3BucketName": BUCKET, "s3Key": key}]
    return store(sns_notification(json.dumps(body), attributes={"org_id": home}).encode())


def dead(number: int = 1, **about: Any) -> ProcessedMessage:
    """A dead letter, as a worker leaves it."""
    return end(opportunity(number, **about), Status.DEAD, "retries used up: builtins.ValueError")


def end(message: ProcessedMessage, status: Status, reason: str = "") -> ProcessedMessage:
    """A message as a worker leaves it."""
    ProcessedMessage.objects.filter(pk=message.pk).update(
        status=status,
        reason=reason,
        due_at=None,
        claimed_at=ClockTimestamp(),
        finished_at=ClockTimestamp(),
        attempts=16,
        crashes=1,
        isolated=True,
    )
    message.refresh_from_db()
    return message


def rows(*messages: ProcessedMessage) -> Any:
    """A query for exactly these."""
    return ProcessedMessage.objects.filter(pk__in=[message.pk for message in messages])


def operate(operation: Operation, messages: Any, actor: Actor, reason: str = "") -> int:
    """Run an operation on exactly these messages to its end; returns how many changed."""
    ids = tuple(messages.order_by("pk").values_list("pk", flat=True))
    try:
        return (
            runner.follow(runner.submit(operation, Selection(ids=ids), actor, reason)).affected if ids else 0
        )
    except NothingToDo:
        return 0


def letters(count: int) -> list[ProcessedMessage]:
    """So many dead letters of a new organization."""
    organization()
    return [dead(number) for number in range(count)]


def waiting() -> int:
    """How many messages wait."""
    return ProcessedMessage.objects.filter(status=Status.WAITING).count()
