"""A handler that keeps a ledger of its effects. Items have none: they are merged in batches."""

from __future__ import annotations

import os
import time
import uuid
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group

from passport_events import Event, handles
from tests.crashes import strikes
from tests.crashes.titles import FAILS_ONCE, SLOW

if TYPE_CHECKING:
    from passport_events.models import SalesforceRecord

SLOW_SECONDS = 1.2  # longer than the time slice of `settings.py`


def read_outside(event: Event) -> str:
    """Stands for a read from S3 or Salesforce."""
    return event.record_id


def prepare(event: Event) -> str:
    """Looks its part up when it is called, so that a test can step in."""
    return read_outside(event)


def note(event: Event) -> None:
    """Write the effect. Twice is two rows, so that it would be seen, and not refused."""
    Group.objects.create(name=f"{event.record_id} {uuid.uuid4()}")


@handles("attachment", shares_transaction=True)
def keep_among_others(event: Event, record: SalesforceRecord) -> None:
    """Write the effect, in a transaction with others."""
    note(event)


@handles("opportunity", prepare=prepare)
def keep(event: Event, record: SalesforceRecord) -> None:
    """Do what the event's `Name` says."""
    note(event)
    if event.fields["Name"] == FAILS_ONCE and event.attempt == 1:
        raise ConnectionError("not now")
    if event.fields["Name"] == SLOW and strikes.STRIKE in os.environ:
        time.sleep(SLOW_SECONDS)
