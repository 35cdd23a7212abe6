"""A school's handler that can be wrong and be mended, and events that go through all of it."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction

from passport_events.event import Event
from passport_events.handling.worker import work
from passport_events.models import SalesforceRecord
from tests.operating.inbox import opportunity

QUEUE = "passport-opportunities"


class NoProgram(LookupError):
    """The school does not know what somebody applied for."""


class School:
    """What handles opportunities."""

    def __init__(self) -> None:
        """Broken, until it is mended."""
        self.is_mended = False
        self.handled: list[str] = []
        """Idempotency keys of what was handled and committed, in order."""

    def enrol(self, event: Event, record: SalesforceRecord) -> None:
        """Write a row of the school's own, or fail."""
        if not self.is_mended:
            raise NoProgram(f"no program {record.fields.get('Name')!r} for {record.record_id}")
        Group.objects.update_or_create(name=f"{record.record_id} {record.fields.get('Name')}")
        transaction.on_commit(lambda: self.handled.append(event.idempotency_key))


def receive(count: int, first: int = 1, **about: object) -> list[int]:
    """Receive events about so many records, and work on them; returns the numbers of their messages."""
    messages = [opportunity(number, **about) for number in range(first, first + count)]  # type: ignore[arg-type]  # about an event
    work(QUEUE)
    return [message.pk for message in messages]
