"""What the tests of handling begin with: organizations, due messages, handlers' writes."""

from __future__ import annotations

import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone
from rq.timeouts import JobTimeoutException

from passport_events.event import Change, Event, Identity, Version
from passport_events.handling.worker import work
from passport_events.models import (
    ActionKind,
    Delivery,
    Mode,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
)
from passport_events.testing import organization_id, record_id
from passport_events.testing.factories import COMMITTED_MS

OPPORTUNITIES = "passport-opportunities"
ENTITIES = {"opportunity": "Opportunity", "attachment": "Attachment", "item": "OpportunityLineItem"}


def an_organization(number: int = 1, mode: Mode = Mode.LIVE) -> SalesforceOrganization:
    """A stored organization."""
    return SalesforceOrganization.objects.create(
        salesforce_id=organization_id(number), name=f"Program {number}", mode=mode
    )


def an_event(
    organization: SalesforceOrganization,
    record: int = 1,
    fields: Mapping[str, Any] | None = None,
    *,
    event_type: str = "opportunity",
    change: Change = Change.CREATED,
    at: int = 0,
    origin: str = "",
) -> Event:
    """An event that Salesforce committed `at` seconds after the first one of the tests."""
    return Event(
        event_type=event_type,
        change=change,
        organization=organization.salesforce_id,
        entity=ENTITIES[event_type],
        record_id=record_id(ENTITIES[event_type], record),
        version=Version.of_commit(COMMITTED_MS + at * 1000, 0, 1),
        identity=Identity.of("cdc", uuid.uuid4()),
        fields={"Name": f"name {record}"} if fields is None else fields,
        origin=origin,
    )


def stored(
    *events: Event, due_in: timedelta = timedelta(seconds=-1), **columns: Any
) -> list[ProcessedMessage]:
    """Waiting messages of these events, in few statements."""
    delivery = Delivery.objects.create(
        body=b"{}", body_size=2, sqs_message_id=str(uuid.uuid4()), received_at=timezone.now()
    )
    known = {each.salesforce_id: each for each in SalesforceOrganization.objects.all()}
    messages = []
    for event in events:
        message = ProcessedMessage.from_event(event)
        message.delivery = delivery
        message.organization = known[event.organization]
        message.due_at = timezone.now() + due_in
        for name, value in columns.items():
            setattr(message, name, value)
        messages.append(message)
    return ProcessedMessage.objects.bulk_create(messages, batch_size=2000)


def a_message(organization: SalesforceOrganization, record: int = 1, **event: Any) -> ProcessedMessage:
    """One waiting message that is due."""
    [message] = stored(an_event(organization, record, **event))
    return message


def a_backlog(organization: SalesforceOrganization, count: int, **columns: Any) -> None:
    """That many due messages, of as many records; cheap, so that there can be 20,000."""
    [first] = stored(an_event(organization, 0, {}), **columns)
    same = {
        field.attname: getattr(first, field.attname)
        for field in ProcessedMessage._meta.concrete_fields
        if field.attname not in ("id", "dedup_key", "record_id")
    }
    ProcessedMessage.objects.bulk_create(
        (
            ProcessedMessage(
                dedup_key=f"{first.dedup_key[:50]}{number}", record_id=f"006{number:015}", **same
            )
            for number in range(1, count)
        ),
        batch_size=2000,
    )


def make_due(*messages: ProcessedMessage) -> None:
    """Let the delay, or the lease, of these messages be over; of all where none is named."""
    rows = ProcessedMessage.objects.filter(due_at__isnull=False)
    if messages:
        rows = rows.filter(pk__in=[message.pk for message in messages])
    rows.update(due_at=timezone.now() - timedelta(seconds=1))


def now(message: ProcessedMessage) -> ProcessedMessage:
    """The message as the database has it."""
    return ProcessedMessage.objects.get(pk=message.pk)


def the_record(number: int = 1, event_type: str = "opportunity") -> SalesforceRecord:
    """The mirror of a record."""
    return SalesforceRecord.objects.get(record_id=record_id(ENTITIES[event_type], number))


def write(name: str) -> None:
    """A handler's effect: a row of the host project. The same name twice is an IntegrityError."""
    Group.objects.create(name=name)


def written() -> list[str]:
    """Every effect that is in the database."""
    return sorted(Group.objects.values_list("name", flat=True))


def pause(event_type: str = "", organization: SalesforceOrganization | None = None) -> OperatorAction:
    """An operator's pause; of everything where nothing is named."""
    return OperatorAction.objects.create(
        kind=ActionKind.PAUSE, event_type=event_type, organization=organization, actor_name="on call"
    )


def work_again(times: int = 1) -> None:
    """Work, each time with every delay over."""
    for _ in range(times):
        make_due()
        work(OPPORTUNITIES)


def outcome(message: ProcessedMessage) -> tuple[str, str, int]:
    """Where it stands, why, and after how many attempts."""
    row = now(message)
    return row.status, row.reason, row.attempts


def statuses() -> dict[str, int]:
    """How many messages stand where."""
    return dict(Counter(ProcessedMessage.objects.values_list("status", flat=True)))


def of_each(count: int) -> list[ProcessedMessage]:
    """That many messages, each about its own record; its `Name` is its number, from 1."""
    home = an_organization()
    return stored(*(an_event(home, number, {"Name": f"{number}"}) for number in range(1, count + 1)))


def effect(event: Event) -> None:
    """A row of the host project; twice would be an error."""
    write(f"effect {event.idempotency_key}")


def elsewhere(change: Callable[[], object]) -> None:
    """Do it in a thread, which has a connection of its own."""

    def run() -> None:
        change()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def ring(seconds: float) -> None:
    """RQ's job timeout, set as RQ does."""

    def alarm(number: int, frame: Any) -> None:
        raise JobTimeoutException

    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
