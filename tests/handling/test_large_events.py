"""Case B1. An event of very many fields keeps its neighbours waiting for nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from passport_events.handling.claim import LARGE_EVENT_FIELDS, MAX_LARGE_EVENT_DELAY, claim_batch
from passport_events.handling.locks import RecordLocks
from tests.handling.factories import an_event, an_organization, stored

pytestmark = pytest.mark.django_db
LARGE = {f"F{number}": 0 for number in range(LARGE_EVENT_FIELDS + 1)}


@pytest.mark.parametrize(
    ("waited", "order"),
    [(timedelta(seconds=1), [2, 3, 1, 1]), (MAX_LARGE_EVENT_DELAY * 2, [1, 1, 2, 3])],
    ids=["at first", "for long"],
)
def test_its_record_comes_last_in_a_claim_unless_it_has_waited(
    locks: RecordLocks, waited: timedelta, order: list[int]
) -> None:
    home = an_organization()
    events = [an_event(home, 1, LARGE), an_event(home, 1, at=1), an_event(home, 2), an_event(home, 3)]
    rows = [stored(event, due_in=-waited + timedelta(milliseconds=n)) for n, event in enumerate(events)]
    numbers = {message.pk: number for [message], number in zip(rows, [1, 1, 2, 3], strict=True)}

    claim = claim_batch(["opportunity"], locks)

    assert [numbers[message.pk] for message in claim.messages] == order
