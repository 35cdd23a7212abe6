"""Pausing, resuming and cancelling what is worked in steps."""

from __future__ import annotations

import pytest

from passport_events.models import Progress, Status
from passport_events.operating import background, steering
from passport_events.operating.actor import Actor
from passport_events.operating.dead_letters import RETRY
from passport_events.operating.selection import Selection
from tests.operating.inbox import letters, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_steps")]
DEAD = Selection(statuses=(Status.DEAD,), event_type="opportunity")


def test_a_paused_action_rests_until_it_is_resumed(ann: Actor) -> None:
    letters(3)
    action = background.start(RETRY, DEAD, ann, "fixed")
    background.advance(action.pk)

    assert steering.pause(action, ann)
    assert not steering.pause(action, ann)
    background.work()
    assert (action.progress, waiting()) == (Progress.PAUSED, 2)

    assert steering.resume(action, ann)
    assert not steering.resume(action, ann)
    assert steering.follow(action).progress == Progress.DONE
    assert waiting() == 3


def test_a_cancelled_action_stays_where_it_is(ann: Actor) -> None:
    letters(3)
    action = background.start(RETRY, DEAD, ann, "fixed")
    background.advance(action.pk)

    assert steering.cancel(action, Actor("bob"))
    assert not steering.cancel(action, ann)
    assert not steering.resume(action, ann)
    background.work()

    assert (action.progress, action.ended_by, action.affected, waiting()) == (
        Progress.CANCELLED,
        "bob",
        2,
        2,
    )
