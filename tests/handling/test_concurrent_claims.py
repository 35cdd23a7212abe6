"""Workers that claim at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from passport_events.dispatching import hints
from passport_events.handling.claim import claim_batch
from passport_events.handling.locks import RecordLocks
from tests.handling.factories import OPPORTUNITIES, a_backlog, an_organization

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


@pytest.mark.postgresql
def test_two_workers_claim_everything_between_them_and_nothing_twice(
    change_settings: Callable[..., None],
) -> None:
    """Given four workers that claim at once, their claims are disjoint and complete."""
    change_settings(BATCH_SIZE=7)
    for number in (1, 2, 3):
        a_backlog(an_organization(number), 40)
    claimed: list[list[int]] = []
    begin = threading.Barrier(4)

    def claim_all() -> None:
        locks = RecordLocks(hints.get_connection(OPPORTUNITIES))
        begin.wait()
        misses = 0
        while misses < 3:
            claim = claim_batch(["opportunity"], locks)
            claimed.append([message.pk for message in claim.messages])
            misses = 0 if claim.messages else misses + 1
        connection.close()

    workers = [threading.Thread(target=claim_all) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    every = [pk for batch in claimed for pk in batch]
    assert len(every) == len(set(every)) == 120
