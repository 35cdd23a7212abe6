"""Actions that are worked in steps."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from passport_events.dispatching import dispatcher
from passport_events.exceptions import NothingToDo, OperationRefused
from passport_events.models import OperatorAction, Progress, Status
from passport_events.operating import runner, selection
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import DISCARD, RESTORE, RETRY
from passport_events.operating.selection import Selection
from project.embedded import ValkeyServer
from tests.operating.inbox import dead, end, letters, rows, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_steps")]
DEAD = Selection(statuses=(Status.DEAD,), event_type="opportunity")


def test_starting_changes_nothing_and_says_what_is_meant(ann: Actor) -> None:
    letters(3)

    action = runner.start(RETRY, DEAD, ann, "fixed in 41", per_minute=60)

    assert (action.kind, action.actor_name, action.reason) == ("retry", "ann", "fixed in 41")
    assert (action.selection, action.total, action.affected) == (
        {"statuses": ["dead"], "event_type": "opportunity"},
        3,
        0,
    )
    assert (action.progress, waiting()) == (Progress.RUNNING, 0)


def test_each_tick_takes_a_step_until_the_end(ann: Actor, redis_server: ValkeyServer) -> None:
    letters(5)
    action = runner.start(RETRY, DEAD, ann, "fixed")

    seen = []
    for _ in range(4):
        redis_server.flush()  # the next second
        dispatcher.tick()
        action.refresh_from_db()
        seen.append((action.affected, waiting(), action.progress))

    running, done = Progress.RUNNING, Progress.DONE
    assert seen == [(2, 2, running), (4, 4, running), (5, 5, done), (5, 5, done)]


def test_a_message_that_dies_again_is_not_sent_back_twice(ann: Actor) -> None:
    first, *_ = letters(5)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    runner.take_step(action.pk)
    end(first, Status.DEAD)
    late = dead(9)

    assert runner.follow(action).affected == 5

    assert set(rows(first, late).values_list("status", flat=True)) == {Status.DEAD}


def test_what_somebody_else_changed_meanwhile_is_left_to_them(ann: Actor) -> None:
    *_, last = letters(5)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    runner.take_step(action.pk)
    end(last, Status.DISCARDED)

    assert runner.follow(action).affected == 4

    assert rows(last).get().status == Status.DISCARDED


def test_the_same_thing_asked_for_twice_is_one_action(ann: Actor) -> None:
    letters(3)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    assert runner.start(RETRY, DEAD, Actor("bob"), "fixed, too") == action
    assert runner.start(DISCARD, DEAD, ann, "no") != action
    assert OperatorAction.objects.count() == 2


def test_there_must_be_something_to_do_and_a_reason_for_it(ann: Actor) -> None:
    with pytest.raises(NothingToDo, match="nothing to retry"):
        runner.start(RETRY, DEAD, ann, "fixed")
    letters(1)
    with pytest.raises(OperationRefused, match="A reason is required"):
        runner.start(DISCARD, DEAD, ann, " ")
    with pytest.raises(OperationRefused, match="at least 1"):
        runner.start(RETRY, DEAD, ann, "fixed", per_minute=0)
    assert not OperatorAction.objects.exists()


def test_a_rate_spreads_the_steps(ann: Actor) -> None:
    letters(4)
    action = runner.start(RETRY, DEAD, ann, "fixed", per_minute=60)

    runner.run_due_operations()
    runner.run_due_operations()  # its time has not come
    assert waiting() == 1

    OperatorAction.objects.filter(pk=action.pk).update(next_step_at=action.created_at)
    runner.run_due_operations()
    assert waiting() == 2


def test_what_goes_wrong_stops_the_action_and_a_resume_tries_again(
    ann: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters(3)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    OperatorAction.objects.filter(pk=action.pk).update(selection={"colour": "red"})

    runner.run_due_operations()

    action.refresh_from_db()
    assert (action.progress, waiting()) == (Progress.STOPPED, 0)
    assert "does not know colour" in action.failure
    OperatorAction.objects.filter(pk=action.pk).update(selection=DEAD.to_json())
    runner.resume(action, ann)
    assert runner.follow(action).progress == Progress.DONE
    assert (action.failure, waiting()) == ("", 3)


def test_a_step_that_cannot_note_itself_changes_no_message(
    ann: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters(3)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    monkeypatch.setattr("passport_events.models.operator_action.OperatorActionQuerySet.step", lambda *_: 0)
    assert runner.take_step(action.pk) is None
    assert waiting() == 0


def test_a_step_that_somebody_else_took_is_not_noted_again(ann: Actor) -> None:
    letters(3)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    mine = OperatorAction.objects.filter(pk=action.pk)
    assert mine.step(action.cursor + 1, action.cursor + 2, 2, None) == 0
    assert mine.step(action.cursor, action.cursor + 2, 2, None) == 1


def test_a_change_leaves_what_does_not_stand_as_it_needs(ann: Actor) -> None:
    first, second, _ = letters(3)
    end(first, Status.SUCCEEDED)
    assert RETRY.apply([first.pk, second.pk], 7) == 1
    assert rows(first).get().status == Status.SUCCEEDED


def test_who_dies_in_the_middle_of_a_step_leaves_nothing_half_done(
    ann: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters(5)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    runner.take_step(action.pk)

    class Killed(BaseException):
        """Nothing catches it."""

    def die(*_: object) -> int:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("passport_events.models.operator_action.OperatorActionQuerySet.step", die)
        with pytest.raises(Killed):
            runner.run_due_operations()
    action.refresh_from_db()
    assert (action.affected, waiting(), action.progress) == (2, 2, Progress.RUNNING)

    assert runner.follow(action).affected == 5
    assert waiting() == 5


def test_few_among_many_are_found_in_windows(ann: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MAX_STEP_KEYS", 3)
    messages = letters(9)
    end(messages[8], Status.DISCARDED)

    action = runner.follow(runner.start(RESTORE, Selection(), ann, everything=True))

    assert (action.affected, action.progress) == (1, Progress.DONE)
    assert rows(messages[8]).get().status == Status.DEAD


def test_more_than_a_glance_saw_is_worked_on_and_not_counted(
    ann: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "MAX_LOOKBACK_MESSAGES", 1)
    messages = letters(3)
    rows(*messages).update(release="41")

    action = runner.follow(runner.start(RETRY, Selection(release="41"), ann, "fixed"))

    assert (action.total, action.affected) == (None, 3)


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_one_action_change_each_message_once(ann: Actor, redis_server: ValkeyServer) -> None:
    letters(20)
    action = runner.start(RETRY, DEAD, ann, "fixed")
    start = threading.Barrier(2)

    def tick() -> None:
        start.wait()
        runner.follow(OperatorAction.objects.get(pk=action.pk))
        connections.close_all()

    threads = [threading.Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    action.refresh_from_db()
    assert (action.affected, waiting(), action.progress) == (20, 20, Progress.DONE)


def test_few_messages_change_in_the_request_itself(ann: Actor) -> None:
    messages = letters(1)
    action = runner.submit(RETRY, Selection(ids=(messages[0].pk,)), ann, "fixed")
    assert (action.progress, action.affected, waiting()) == (Progress.DONE, 1, 1)


def test_many_messages_and_those_with_a_rate_change_in_the_background(
    ann: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters(3)
    assert runner.submit(RETRY, DEAD, ann, "fixed", per_minute=60).affected == 0
    monkeypatch.setattr(runner, "MAX_AT_ONCE", 2)
    assert runner.submit(DISCARD, DEAD, ann, "noise").progress == Progress.RUNNING
    assert waiting() == 0


def test_what_changes_nothing_leaves_no_entry(ann: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another operator may change the messages between the count and the step."""
    letters(1)
    monkeypatch.setattr("passport_events.operating.operations.Operation.apply", lambda *_: 0)
    with pytest.raises(NothingToDo):
        runner.submit(RETRY, DEAD, ann, "fixed")
    assert not OperatorAction.objects.exists()
