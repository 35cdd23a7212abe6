"""SIGTERM and SIGINT: what was received is finished, nothing else is received, nothing stays hidden in SQS."""

from __future__ import annotations

import json
import re
import signal

import pytest

from passport_events.models import Heartbeat, ProcessedMessage
from tests.crashes import steps
from tests.crashes.apps import SETTINGS
from tests.crashes.databases import struck
from tests.crashes.short_timeouts import SHORT_TIMEOUTS
from tests.crashes.sockets import Dripping, serving
from tests.crashes.world import OPPORTUNITIES, POLLER, Process, World, eventually

LONG = "600"
"""A message that is received and not deleted stays hidden for the rest of the test."""
TWELVE = [f"number {number}" for number in range(12)]


@pytest.fixture
def twelve(world: World) -> World:
    """More messages than one receive brings."""
    world.sqs.queue.set_attributes(Attributes={"VisibilityTimeout": LONG})
    world.publish(*TWELVE)
    return world


def held(world: World, step: str) -> Process:
    """A poller that stands still at a step."""
    poller = world.start(*POLLER, strike=f"hold {step}")
    eventually(poller.is_struck)
    return poller


def assert_one_batch_is_finished(world: World, poller: Process) -> None:
    """The ten that were received are stored and gone; the others were never handed out."""
    code, output, errors = poller.wait()
    assert code == 0, errors
    assert output.splitlines()[1:] == ["poll_sqs: received=10 new=10 duplicates=0"]
    assert ProcessedMessage.objects.count() == 10
    assert world.in_sqs() == (2, 0, 0)
    assert world.receive_counts() == [1, 1]
    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize("step", struck(["long poll begins", *steps.POLLER, *steps.HINTS]))
def test_a_poller_that_is_told_to_stop_finishes_its_batch_and_takes_no_other(
    twelve: World, step: str
) -> None:
    poller = held(twelve, step)
    poller.tell(signal.SIGTERM)
    poller.let_go()
    assert_one_batch_is_finished(twelve, poller)


@pytest.mark.postgresql
@pytest.mark.parametrize("others", [[signal.SIGINT], [signal.SIGINT, signal.SIGTERM] * 10])
def test_told_again_it_does_the_same(twelve: World, others: list[signal.Signals]) -> None:
    poller = held(twelve, "received")
    poller.tell(signal.SIGINT, *others)
    poller.let_go()
    assert_one_batch_is_finished(twelve, poller)


@pytest.mark.postgresql
def test_a_storm_of_signals_interrupts_nothing(twelve: World) -> None:
    """Given signals that interrupt the handler of the one before, the poller still ends by itself."""
    poller = held(twelve, "received")
    poller.tell(*[signal.SIGTERM] * 20_000)
    poller.let_go()
    assert_one_batch_is_finished(twelve, poller)


@pytest.mark.postgresql
def test_told_to_stop_while_the_gate_is_closed_it_ends(world: World) -> None:
    poller = world.start(*POLLER, strike="hold before the sign of life")
    eventually(poller.is_struck)
    poller.tell(signal.SIGTERM)
    poller.let_go()
    assert poller.wait()[0] == 0
    assert world.in_sqs() == (0, 0, 0)


@pytest.mark.postgresql
def test_an_answer_that_drips_holds_up_no_stop(world: World) -> None:
    """Given a receive that never ends, a poller that is told to stop ends without it, and says so.

    Its chores may hang as well by then: they ask the same endpoint how full the queue is.
    """
    with serving(Dripping()) as sqs:
        settings = json.dumps({"SQS_WAIT_SECONDS": 1, "ENDPOINT_URL": f"http://127.0.0.1:{sqs.port}"})
        environment_variables = {SHORT_TIMEOUTS: "1", SETTINGS: settings}
        poller = world.start(*POLLER, strike="hold connecting to SQS", **environment_variables)
        eventually(poller.is_struck)
        poller.tell(signal.SIGTERM)
        poller.let_go()
        code, _, errors = poller.wait()
    assert code == 1
    assert re.search(r"poll_sqs gave up: .*receiver-0 \(receiving\) did not stop within 3 s\.", errors), (
        errors
    )


@pytest.mark.parametrize("step", struck(["before the dispatcher's look", *steps.DISPATCHER, *steps.HINTS]))
def test_a_dispatcher_that_is_told_to_stop_finishes_its_look(world: World, step: str) -> None:
    world.publish("one")
    world.receive_all()
    world.forget_hints()
    dispatcher = world.start("dispatch_messages", strike=f"hold {step}")
    eventually(dispatcher.is_struck)
    dispatcher.tell(*[signal.SIGTERM, signal.SIGINT] * 10)
    dispatcher.let_go()
    code, _, errors = dispatcher.wait()
    assert (code, "Traceback" in errors) == (0, False), errors
    assert world.hints(OPPORTUNITIES) == 1
