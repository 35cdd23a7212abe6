"""SIGKILL in the middle of an operator's command: it is done and in the journal, or neither."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from passport_events.models import (
    ActionKind,
    Delivery,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    Status,
)
from passport_events.operating import automatic_purge, flow_operations, operations, runner
from passport_events.operating.audit_log import Actor
from tests.crashes import steps
from tests.crashes.world import HOME, World
from tests.operating import inbox
from tests.operating.inbox import operate

ON_SQLITE = ("discard", "pause")
CONTROLS = (ActionKind.PAUSE, ActionKind.THROTTLE)
ANN = Actor.from_command()
IN_STEPS = "step taken, not committed"
BEFORE_THE_COMMIT = [step for step in steps.OPERATOR if step not in ("operated", IN_STEPS)]


def a_dead_letter(world: World) -> str:
    world.publish("one")
    world.receive_all()
    return str(inbox.end(ProcessedMessage.objects.get(), Status.DEAD).pk)


def one_that_waits(world: World) -> str:
    world.publish("one")
    world.receive_all()
    return world.published[0]


def one_that_failed(world: World) -> str:
    world.publish("one")
    world.receive_all()
    ProcessedMessage.objects.update(attempts=1, due_at=timezone.now() + timedelta(hours=6))
    return HOME


def one_that_succeeded(world: World) -> str:
    world.publish("one")
    world.receive_all()
    inbox.end(ProcessedMessage.objects.get(), Status.SUCCEEDED)
    return HOME


def a_discarded_one(world: World) -> str:
    number = a_dead_letter(world)
    operate(operations.DISCARD, ProcessedMessage.objects.all(), ANN, "why")
    OperatorAction.objects.all().delete()
    return number


def one_that_came_too_early(world: World) -> str:
    SalesforceOrganization.objects.all().delete()
    world.publish("one")
    world.receive_all()
    SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode="live")
    return HOME


def a_pause(world: World) -> str:
    flow_operations.pause("item", None, ANN, "why")
    return "item"


def a_throttle(world: World) -> str:
    flow_operations.limit_rate("item", None, ANN, "why", 60)
    return "item"


def nothing(world: World) -> str:
    return "item"


@dataclasses.dataclass(frozen=True)
class Verb:
    """A command, and what it makes of what."""

    given: Callable[[World], str]
    """Arranges, and returns what the command has to name."""
    arguments: tuple[str, ...]
    """An empty one stands for what `given` returns."""
    status: str | None
    journal: list[tuple[str, bool]]
    """Kinds of actions, and whether they have ended."""
    # All changes write in one way, and all controls in another: one of each dies at every step.
    steps: tuple[str, ...] = ("changed, not committed",)


BEGUN = ("control begun, not committed",)
ENDED = ("control ended, not committed",)
ASKED_FOR = ("action asked for, not committed",)
VERBS = {
    "retry": Verb(
        a_dead_letter,
        ("retry", "--reason=why", ""),
        "waiting",
        [(ActionKind.RETRY, True)],
        ("written down, not changed", "changed, not committed", "operated"),
    ),
    "retry now": Verb(
        one_that_failed,
        ("retry", "--now", "--reason=why", "--organization", ""),
        "waiting",
        [(ActionKind.RETRY_NOW, True)],
        ASKED_FOR,
    ),
    "discard": Verb(
        a_dead_letter,
        ("discard", "--reason=why", ""),
        "discarded",
        [(ActionKind.DISCARD, True)],
    ),
    "restore": Verb(a_discarded_one, ("restore", ""), "dead", [(ActionKind.RESTORE, True)]),
    "reprocess": Verb(
        one_that_came_too_early,
        ("reprocess", "--organization", ""),
        "waiting",
        [(ActionKind.REPROCESS, True)],
        ASKED_FOR,
    ),
    "replay": Verb(
        one_that_succeeded,
        ("replay", "--yes", "--reason=why", "--organization", ""),
        "waiting",
        [(ActionKind.REPLAY, True)],
        ASKED_FOR,
    ),
    "erase": Verb(
        one_that_waits,
        ("erase", "--reason=why", f"--organization={HOME}", ""),
        "discarded",
        [(ActionKind.ERASE, False)],
        ("erased, not in the journal", "in the journal, not committed"),
    ),
    "pause": Verb(
        nothing, ("pause", "--reason=why", "--event-type", ""), None, [(ActionKind.PAUSE, False)], BEGUN
    ),
    "resume": Verb(a_pause, ("resume", "--event-type", ""), None, [(ActionKind.PAUSE, True)], ENDED),
    "throttle": Verb(
        a_throttle,  # another one, which it replaces
        ("rate-limit", "--per-minute=6", "--event-type", ""),
        None,
        [(ActionKind.THROTTLE, True), (ActionKind.THROTTLE, False)],
        (*ENDED, *BEGUN, "operated"),
    ),
    "unthrottle": Verb(
        a_throttle, ("rate-limit", "--remove", "--event-type", ""), None, [(ActionKind.THROTTLE, True)], ENDED
    ),
}


def state() -> tuple[str | None, list[tuple[str, bool]]]:
    """The one message's status, and the journal."""
    journal = [(action.kind, action.ended_at is not None) for action in OperatorAction.objects.order_by("pk")]
    return ProcessedMessage.objects.values_list("status", flat=True).first(), journal


@pytest.mark.parametrize(
    ("name", "step"),
    [
        pytest.param(name, step, marks=[] if name in ON_SQLITE else pytest.mark.postgresql)
        for name, verb in VERBS.items()
        for step in verb.steps
    ],
)
def test_an_operation_that_dies_is_done_and_written_down_or_neither(
    world: World, name: str, step: str
) -> None:
    verb = VERBS[name]
    about = verb.given(world)
    command = ("passport", *(argument or about for argument in verb.arguments))
    before, done = state(), (verb.status, verb.journal)
    assert before != done

    world.kill_at(step, *command)

    if step in BEFORE_THE_COMMIT:
        assert state() == before
        call_command(*command)
    assert state() == done
    in_force = OperatorAction.objects.in_force().count()
    assert in_force == sum(not has_ended for kind, has_ended in verb.journal if kind in CONTROLS)


@pytest.mark.postgresql  # nothing in it is about the database
@pytest.mark.parametrize("name", ["reprocess", "replay", "retry now"])
def test_what_dies_in_a_step_has_not_taken_it_and_goes_on_by_itself(world: World, name: str) -> None:
    verb = VERBS[name]
    about = verb.given(world)
    untouched, _ = state()

    command = (*(argument or about for argument in verb.arguments), "--per-minute=60")
    world.kill_at(IN_STEPS, "passport", *command)

    assert state() == (untouched, [(kind, False) for kind, _ in verb.journal])
    runner.run_due_operations()
    assert state() == (verb.status, verb.journal)


@pytest.mark.parametrize("name", ["retry", "retry now", "reprocess", "replay"])
def test_what_an_operator_let_go_is_handled_although_nobody_was_told(world: World, name: str) -> None:
    verb = VERBS[name]
    about = verb.given(world)
    world.kill_at("operated", "passport", *(argument or about for argument in verb.arguments))

    world.recover()

    assert state() == ("succeeded", verb.journal)


@pytest.mark.postgresql  # nothing in it is about the database
def test_a_purge_that_dies_in_a_step_has_not_taken_it_and_goes_on_by_itself(world: World) -> None:
    """Case D5."""
    one_that_succeeded(world)
    old = timezone.now() - timedelta(days=20)
    Delivery.objects.update(received_at=old)
    ProcessedMessage.objects.update(finished_at=old)

    world.kill_at(IN_STEPS, "dispatch_messages", "--once")

    assert state() == ("succeeded", [(ActionKind.PURGE, False)])
    assert Delivery.objects.get().body
    automatic_purge.timer.reset()  # an earlier test of this process may have looked a moment ago
    call_command("dispatch_messages", "--once")
    assert state() == ("succeeded", [(ActionKind.PURGE, True)])
    assert Delivery.objects.get().body is None
