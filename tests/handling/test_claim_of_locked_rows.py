"""What is due and locked by another claim, whose process may stand still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from passport_events.handling.claim import claim_batch
from passport_events.handling.locks import RecordLocks
from passport_events.handling.worker import work
from tests.handling.factories import a_backlog, an_organization

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@contextmanager
def all_locked() -> Iterator[None]:
    """By another transaction."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM passport_events_processedmessage FOR UPDATE")
        yield
    finally:
        other.close()


def test_a_worker_does_not_ask_again_and_again(
    locks: RecordLocks, change_settings: Callable[..., None]
) -> None:
    """Given a claim full of rows that it may not have, a worker looks no further until it is told to."""
    change_settings(BATCH_SIZE=3)
    a_backlog(an_organization(), 4)
    with all_locked():
        claim = claim_batch(["opportunity"], locks)
        assert (claim.messages, claim.more) == ((), False)
        assert work("passport-opportunities") == 0
    assert work("passport-opportunities") == 4
