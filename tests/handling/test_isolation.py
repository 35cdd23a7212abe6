"""Messages whose worker died are claimed one at a time."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from passport_events.handling.claim import claim_batch, claim_isolated
from passport_events.handling.locks import RecordLocks, get_record_key
from passport_events.handling.worker import work
from passport_events.models import Status
from tests.handling.factories import a_message, an_event, an_organization, now, pause, stored

pytestmark = pytest.mark.django_db

TYPES = ["opportunity"]


def test_an_isolated_message_is_claimed_alone(locks: RecordLocks) -> None:
    home = an_organization()
    suspects = stored(an_event(home, 1, at=1), an_event(home, 1, at=2), isolated=True)
    innocent = a_message(home, 1, at=3)

    assert [m.pk for m in claim_batch(TYPES, locks).messages] == [innocent.pk]
    locks.redis.flushall()
    claim = claim_isolated(TYPES, locks)

    assert len(claim.messages) == 1
    assert claim.messages[0].pk in {m.pk for m in suspects}


@pytest.mark.parametrize("event_type", ["", "opportunity"])
def test_one_of_a_paused_organization_does_not_hold_up_those_of_others(
    locks: RecordLocks, event_type: str
) -> None:
    home, other = an_organization(1), an_organization(2)
    stored(an_event(home), due_in=timedelta(minutes=-5), isolated=True)
    [open_one] = stored(an_event(other), isolated=True)
    pause(event_type, home)

    assert [m.pk for m in claim_isolated(TYPES, locks).messages] == [open_one.pk]


def test_nothing_is_claimed_while_everything_is_paused(locks: RecordLocks) -> None:
    stored(an_event(an_organization()), isolated=True)
    pause()

    assert claim_isolated(TYPES, locks).messages == ()


def test_an_isolated_message_of_a_locked_record_is_postponed(locks: RecordLocks) -> None:
    home = an_organization()
    [held] = stored(an_event(home, 1), due_in=timedelta(minutes=-5), isolated=True)
    [free] = stored(an_event(home, 2), isolated=True)
    locks.acquire([get_record_key(held)], uuid.uuid4(), timedelta(seconds=60))

    assert claim_isolated(TYPES, locks).messages == ()
    assert [m.pk for m in claim_isolated(TYPES, locks).messages] == [free.pk]


def test_a_job_continues_after_isolated_messages_of_locked_records(locks: RecordLocks) -> None:
    home = an_organization()
    held = stored(*(an_event(home, n) for n in (1, 2)), due_in=timedelta(minutes=-5), isolated=True)
    [free] = stored(an_event(home, 3), isolated=True)
    locks.acquire([get_record_key(message) for message in held], uuid.uuid4(), timedelta(seconds=60))

    work("passport-opportunities")

    assert now(free).status == Status.SUCCEEDED
    assert {now(message).status for message in held} == {Status.WAITING}
