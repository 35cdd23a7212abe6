"""What an operator paused is left, at no cost."""

from __future__ import annotations

import pytest

from passport_events.handling.claim import claim_batch
from passport_events.handling.locks import RecordLocks
from passport_events.models import (
    OperatorAction,
    ProcessedMessage,
    Status,
)
from tests.handling.factories import a_message, an_event, an_organization, pause, stored

pytestmark = pytest.mark.django_db

TYPES = ["opportunity"]


@pytest.mark.parametrize("scope", [("", False), ("item", False), ("", True), ("item", True)])
def test_paused_messages_wait_and_others_go_on(locks: RecordLocks, scope: tuple[str, bool]) -> None:
    """Given a pause of everything, a type, an organization or a pair, only what it covers waits."""
    home, other = an_organization(1), an_organization(2)
    messages = [
        a_message(each, event_type=name) for each in (home, other) for name in ("opportunity", "item")
    ]
    event_type, is_of_home = scope
    pause(event_type, home if is_of_home else None)

    claim = claim_batch(["opportunity", "item"], locks)

    covered = {
        message.pk
        for message in messages
        if event_type in ("", message.event_type) and (not is_of_home or message.organization_id == home.pk)
    }
    assert {message.pk for message in claim.messages} == {message.pk for message in messages} - covered
    left = ProcessedMessage.objects.filter(status=Status.WAITING)
    assert set(left.values_list("pk", "attempts")) == {(pk, 0) for pk in covered}


def test_when_a_pause_has_ended_its_messages_are_claimed(locks: RecordLocks) -> None:
    message = a_message(an_organization())
    action = pause("opportunity")
    assert claim_batch(TYPES, locks).messages == ()

    OperatorAction.objects.filter(pk=action.pk).update(ended_at=message.due_at, ended_by="on call")

    assert [m.pk for m in claim_batch(TYPES, locks).messages] == [message.pk]


def test_messages_of_the_same_record_and_a_paused_type_are_not_claimed(locks: RecordLocks) -> None:
    """Given two types that share a record id, when one is paused, only the other is claimed."""
    home = an_organization()
    [message] = stored(an_event(home))
    stored(an_event(home), event_type="item")
    pause("item", home)

    assert [m.pk for m in claim_batch(["opportunity", "item"], locks).messages] == [message.pk]
