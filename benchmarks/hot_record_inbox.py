"""The inbox of `benchmarks.hot_record`: filled before the workers start, checked after they have ended."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator

from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from passport_events.event import Change, Event, Identity, Version
from passport_events.models import (
    Delivery,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.testing import organization_id, record_id
from passport_events.testing.factories import COMMITTED_MS

HOT, OTHERS = 2_000, 1_000
HOT_RECORD = record_id("Opportunity", 0)
HOME = organization_id(1)


def fill() -> None:
    """Empty tables, then every event as due, the hot record's and the others' mixed."""
    call_command("migrate", verbosity=0)
    for model in (Group, ProcessedMessage, Delivery, SalesforceRecord, SalesforceOrganization):
        model.objects.all().delete()
    home = SalesforceOrganization.objects.create(salesforce_id=HOME, name="Program 1", mode="live")
    delivery = Delivery.objects.create(
        body=b"{}", body_size=2, sqs_message_id="benchmark", received_at=timezone.now()
    )
    messages = [ProcessedMessage.from_event(event) for event in _events()]
    random.Random(0).shuffle(messages)
    for message in messages:
        message.delivery, message.organization, message.due_at = delivery, home, timezone.now()
    ProcessedMessage.objects.bulk_create(messages, batch_size=1_000)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def check() -> None:
    """Whether every event was handled, and once. Raises SystemExit."""
    succeeded = ProcessedMessage.objects.filter(status=Status.SUCCEEDED, attempts=1).count()
    effects = Group.objects.count()
    last = SalesforceRecord.objects.get(record_id=HOT_RECORD).fields["Name"]
    if (succeeded, effects, last) != (HOT + OTHERS, HOT + OTHERS, f"value {HOT - 1}"):
        raise SystemExit(f"succeeded={succeeded} effects={effects} last={last}")


def _events() -> Iterator[Event]:
    for number in range(HOT):
        yield _event(HOT_RECORD, number)
    for number in range(OTHERS):
        yield _event(record_id("Opportunity", number + 1), 0)


def _event(record: str, number: int) -> Event:
    return Event(
        event_type="opportunity",
        change=Change.UPDATED if number else Change.CREATED,
        organization=HOME,
        entity="Opportunity",
        record_id=record,
        version=Version.of_commit(COMMITTED_MS + number, 0, 1),
        identity=Identity.of("cdc", uuid.uuid4()),
        fields={"Name": f"value {number}"},
    )
