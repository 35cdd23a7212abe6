"""Messages of an organization that was not known, or off."""

from __future__ import annotations

import pytest
from django.utils import timezone

from passport_events.exceptions import OperationRefused
from passport_events.models import Mode, OperatorAction, Status
from passport_events.operating.actor import Actor
from passport_events.operating.release import find_organization, release_organization
from passport_events.testing import organization_id
from tests.operating.inbox import dead, opportunity, organization, rows, store

pytestmark = pytest.mark.django_db


def test_messages_of_an_unknown_organization_are_released_once_it_is_known(ann: Actor) -> None:
    early = [opportunity(number) for number in range(3)]
    other = opportunity(home=organization_id(2))
    home = organization()

    assert release_organization(home, ann) == 3

    assert set(rows(*early).values_list("status", "organization", "reason")) == {
        (Status.WAITING, home.pk, "")
    }
    assert rows(*early).due().count() == 3
    other.refresh_from_db()
    assert other.status == Status.QUARANTINED
    action = OperatorAction.objects.get()
    assert (action.kind, action.organization, action.affected) == ("release", home, 3)


def test_messages_that_were_ignored_while_it_was_off_are_released(ann: Actor) -> None:
    home = organization(mode=Mode.OFF)
    message = opportunity()
    assert (message.status, message.reason) == (Status.IGNORED, "organization_off")
    home.mode = Mode.LIVE
    home.save()

    assert release_organization(home, ann) == 1
    assert release_organization(home, ann) == 0


def test_released_messages_begin_anew(ann: Actor) -> None:
    home = organization()
    message = opportunity()
    rows(message).update(
        status=Status.IGNORED,
        reason="organization_off",
        due_at=None,
        finished_at=timezone.now(),
        attempts=3,
        put_off_since=timezone.now(),
    )
    release_organization(home, ann)

    message.refresh_from_db()
    assert (message.attempts, message.put_off_since) == (0, None)


def test_other_messages_stay(ann: Actor) -> None:
    home = organization()
    message, unreadable = dead(), store(b"?")
    assert release_organization(home, ann) == 0
    assert rows(message, unreadable).filter(status=Status.WAITING).count() == 0


def test_an_organization_that_is_off_is_refused(ann: Actor) -> None:
    home = organization(mode=Mode.OFF)
    with pytest.raises(OperationRefused, match=r"is off\. Set its mode"):
        release_organization(home, ann)


def test_an_organization_is_found_by_either_spelling() -> None:
    home = organization()
    assert find_organization(home.salesforce_id[:15]) == home


@pytest.mark.parametrize(
    ("named", "said"), [("00D", "15 or 18"), (organization_id(9), "Add it in the admin")]
)
def test_an_organization_that_is_not_known_is_refused(named: str, said: str) -> None:
    with pytest.raises(OperationRefused, match=said):
        find_organization(named)
