"""A busy hour of three schools, for pages that would be empty without it."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from rq import Worker

from passport_events.dispatching import hints
from passport_events.event import Event
from passport_events.handling.registry import handles
from passport_events.models import Heartbeat, MessageAttempt, ProcessedMessage, SalesforceRecord
from passport_events.monitoring.models import QueueSample
from passport_events.testing import organization_id
from tests.browser.school import NoProgram, receive
from tests.harness.environment import QUEUE_NAME
from tests.monitoring.past import count, move_back, this_minute, took
from tests.operating.inbox import organization, store

SCHOOLS = ("Northfield", "Lakeside", "Hill Valley")
MINUTES = 58


class FeeMissing(ValueError):
    """A stage that needs a fee came without one."""


def enrol(event: Event, record: SalesforceRecord) -> None:
    """Fail for some, as a handler does that nobody looked at for a while."""
    number = int(record.record_id[3:15], 36)
    if number % 11 == 0:
        raise NoProgram(f"no program {record.fields.get('Name')} for {record.record_id}")
    if number % 17 == 0:
        raise FeeMissing(f"stage needs a fee, record {record.record_id} has none")


def set_up() -> None:
    """Receive and handle, minute by minute, and count."""
    handles("opportunity")(enrol)
    for number, name in enumerate(SCHOOLS, 1):
        organization(number, name=name, heartbeat_received_at=timezone.now())
    now = timezone.now()
    Heartbeat.objects.create(name="poller web-1:4711", kind="poller", started_at=now, beaten_at=now)
    first = 1
    for minute in range(MINUTES, 0, -1):
        size = 3 + minute * 7 % 4 - minute // 20
        home = organization_id(1 + minute % len(SCHOOLS))
        made = receive(size, first, home=home, fields={"Name": "Nursing", "StageName": "Applied"})
        first += size
        took(pk__in=made, status="succeeded")
        move_back(timedelta(minutes=minute), pk__in=made)
        for queue, depth in ((QUEUE_NAME, size), (f"{QUEUE_NAME}-dead-letters", 0)):
            QueueSample.objects.create(
                queue=queue,
                minute=this_minute() - minute,
                is_dead_letters=queue != QUEUE_NAME,
                depth=depth * 3,
                in_flight=depth,
                delayed=0,
                retention_seconds=345_600,
                oldest_seconds=float(depth) or None,
            )
    for name in ("opportunities", "attachments", "items"):
        Worker([hints.get_rq_queue(f"passport-{name}")], name=f"worker-1.{name}").register_birth()  # type: ignore[no-untyped-call]
    store(b"{not json")
    count(MINUTES + 2)


def a_dead_message() -> ProcessedMessage:
    """One that failed, with its attempt."""
    attempt = MessageAttempt.objects.filter(error_class__endswith="NoProgram").latest("pk")
    return attempt.message
