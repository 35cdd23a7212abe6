"""No organization can hold up another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from passport_events.handling import fairness
from passport_events.handling.claim import claim_batch
from passport_events.handling.locks import RecordLocks
from passport_events.models import (
    ProcessedMessage,
    SalesforceOrganization,
)
from tests.handling.factories import a_backlog, an_event, an_organization, pause, stored

pytestmark = pytest.mark.django_db

TYPES = ["opportunity"]


def test_a_backlog_of_20000_does_not_hold_up_14_small_organizations(locks: RecordLocks) -> None:
    """Given one organization far behind, when batches are claimed, all others are in the first."""
    a_backlog(an_organization(1), 20_000, due_in=timedelta(hours=-1))
    small = [an_organization(number) for number in range(2, 16)]
    for organization in small:
        a_backlog(organization, 5)

    first = claim_batch(TYPES, locks)

    others = [m for m in first.messages if m.organization_id in {each.pk for each in small}]
    assert len(others) == 14 * 5
    assert len(first.messages) == 200


def test_the_order_of_a_claim_is_fair_to_a_job_that_ends_early(locks: RecordLocks) -> None:
    """Given a claim of 200, when only 15 are attempted, every organization has had one."""
    a_backlog(an_organization(1), 300, due_in=timedelta(hours=-1))
    for number in range(2, 16):
        a_backlog(an_organization(number), 5)

    claim = claim_batch(TYPES, locks)

    assert len({message.organization_id for message in claim.messages[:15]}) == 15
    assert len({message.organization_id for message in claim.messages[15:30]}) == 15


def test_one_hot_record_does_not_come_before_everybody_else(locks: RecordLocks) -> None:
    hot, calm = an_organization(1), an_organization(2)
    stored(*(an_event(hot, 1, at=n) for n in range(150)), due_in=timedelta(hours=-1))
    stored(an_event(calm, 1), an_event(calm, 2))

    claim = claim_batch(TYPES, locks)

    assert {m.organization_id for m in claim.messages[:2]} == {hot.pk, calm.pk}
    assert {m.organization_id for m in claim.messages[2:4]} == {hot.pk, calm.pk}


def test_no_organization_always_comes_first(locks: RecordLocks) -> None:
    """Given jobs that end after one message, each organization is first in some claim."""
    for number in (1, 2):
        a_backlog(an_organization(number), 3)
    first = set()
    for _ in range(50):
        claim = claim_batch(TYPES, locks)
        first.add(claim.messages[0].organization_id)
        locks.release(claim.records, claim.lease_token)
        ProcessedMessage.objects.unclaim(claim.lease_token)

    assert len(first) == 2


def test_with_more_organizations_than_a_claim_takes_the_longest_waiting_is_always_among_them(
    locks: RecordLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fairness, "MAX_ORGANIZATIONS", 2)
    for number in (1, 2, 3, 4):
        stored(an_event(an_organization(number)), due_in=timedelta(minutes=-number))

    claim = claim_batch(TYPES, locks)
    first = {m.organization_salesforce_id for m in claim.messages}

    assert (len(first), claim.more) == (2, True)
    assert SalesforceOrganization.objects.get(name="Program 4").salesforce_id in first


def test_many_organizations_that_are_far_behind_do_not_hold_up_a_new_event(
    locks: RecordLocks, monkeypatch: pytest.MonkeyPatch, change_settings: Callable[..., None]
) -> None:
    """Given more old backlogs than a claim has places, a new event is drawn long before they are done."""
    monkeypatch.setattr(fairness, "MAX_ORGANIZATIONS", 2)
    change_settings(BATCH_SIZE=2)
    for number in (1, 2, 3):
        a_backlog(an_organization(number), 200, due_in=timedelta(hours=-1))
    (new,) = stored(an_event(an_organization(4)))

    claimed = (m.pk for _ in range(150) for m in claim_batch(TYPES, locks).messages)

    assert new.pk in claimed


def test_paused_organizations_take_no_places_in_a_claim(
    locks: RecordLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given more paused organizations than a claim has places, the one that is not paused is served."""
    monkeypatch.setattr(fairness, "MAX_ORGANIZATIONS", 2)
    for number in (1, 2, 3):
        paused = an_organization(number)
        stored(an_event(paused), due_in=timedelta(hours=-1))
        pause("" if number < 3 else "opportunity", paused)
    (new,) = stored(an_event(an_organization(4)))

    assert [m.pk for m in claim_batch(TYPES, locks).messages] == [new.pk]


def test_within_an_organization_the_longest_waiting_come_first(
    locks: RecordLocks, change_settings: Callable[..., None]
) -> None:
    change_settings(BATCH_SIZE=2)
    home = an_organization()
    waiting = {
        minutes: stored(an_event(home, minutes), due_in=timedelta(minutes=-minutes))[0].pk
        for minutes in (1, 3, 2)
    }

    assert [m.pk for m in claim_batch(TYPES, locks).messages] == [waiting[3], waiting[2]]
