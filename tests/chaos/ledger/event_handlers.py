"""Handlers that write one row and then do what the payload wishes. `item` has none on purpose."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import Error, connection

from passport_events import Discard, Event, Reject, RetryLater, handles
from passport_events.models import ProcessedMessage
from tests.chaos.digest import digest_of
from tests.chaos.ledger.models import Effect
from tests.chaos.wishes import FIELD, Wish, wished

if TYPE_CHECKING:
    from passport_events.models import SalesforceRecord


class Wished(Exception):
    """The payload asked for it."""


@handles("opportunity", shares_transaction=True)
def note_opportunity(event: Event, record: SalesforceRecord) -> None:
    """Write the effect, and grant the wish; in company, until one of them fails."""
    _note(event, digest_of(event.fields))
    _grant(event)


def look_up(event: Event) -> str:
    """What a handler may read outside of the database: here only as slow, and as likely to fail."""
    wish, number = wished(event.fields.get(FIELD))
    if wish is Wish.PREPARE_SLEEP:
        time.sleep(number / 1000)
    if wish is Wish.PREPARE_FAIL and event.attempt <= number:
        raise Wished("prepare")
    return digest_of(event.fields)


@handles("attachment", prepare=look_up)
def note_attachment(event: Event, record: SalesforceRecord) -> None:
    """Write what was prepared, and grant the wish."""
    _note(event, event.prepared)
    _grant(event)


def _note(event: Event, value: str) -> None:
    Effect.objects.create(
        organization=event.organization,
        record_id=event.record_id,
        version=event.version.value,
        generation=event.generation,
        attempt=event.attempt,
        value=value,
        pid=os.getpid(),
    )


def _grant(event: Event) -> None:
    """After the write, so that one which survives its rollback is seen."""
    wish, number = wished(event.fields.get(FIELD))
    if wish is Wish.SLEEP:
        time.sleep(number / 1000)
    elif wish is Wish.FAIL_ALWAYS or (wish is Wish.FAIL and event.attempt <= number):
        raise Wished("handler")
    elif wish is Wish.REJECT:
        raise Reject("the payload wished it")
    elif wish is Wish.DISCARD:
        raise Discard("the payload wished it")
    elif wish is Wish.LATER and _was_never_put_off(event):
        raise RetryLater(timedelta(milliseconds=700))
    elif wish is Wish.SWALLOW and event.attempt == 1:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
    elif wish is Wish.DIE_ALWAYS or (wish is Wish.DIE and event.attempt <= number):
        os.kill(os.getpid(), signal.SIGKILL)


def _was_never_put_off(event: Event) -> bool:
    """It costs no attempt, so the number of the attempt does not tell."""
    return ProcessedMessage.objects.filter(dedup_key=event.identity.key, deferred_since=None).exists()
