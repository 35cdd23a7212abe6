"""Pausing, resuming and cancelling what is worked in steps."""

from __future__ import annotations

import pytest

from passport_events.models import Progress, Status
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY
from passport_events.operating.selection import Selection
from tests.operating.inbox import letters, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_steps")]
DEAD = Selection(statuses=(Status.DEAD,), event_type="opportunity")


def test_a_paused_action_rests_until_it_is_resumed(ann: Actor) -> None:
    letters(3)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    runner.take_step(action.pk)

    assert runner.pause(action, ann)
    assert not runner.pause(action, ann)
    runner.run_due_operations()
    assert (action.progress, waiting()) == (Progress.PAUSED, 2)

    assert runner.resume(action, ann)
    assert not runner.resume(action, ann)
    assert runner.follow(action).progress == Progress.DONE
    assert waiting() == 3


def test_a_cancelled_action_stays_where_it_is(ann: Actor) -> None:
    letters(3)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    runner.take_step(action.pk)

    assert runner.cancel(action, Actor("bob"))
    assert not runner.cancel(action, ann)
    assert not runner.resume(action, ann)
    runner.run_due_operations()

    assert (action.progress, action.ended_by, action.affected, waiting()) == (
        Progress.CANCELLED,
        "bob",
        2,
        2,
    )
