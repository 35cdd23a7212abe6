"""Whatever a loop dies of, the process ends with 1 and says which loop and why."""

from __future__ import annotations

import pytest

from tests.crashes.test_hangs import ended
from tests.crashes.world import POLLER, World, assert_all_is_well

pytestmark = pytest.mark.postgresql  # what ends a process does not depend on the database


@pytest.mark.parametrize(
    ("step", "loop", "error"),
    [
        ("read, nothing stored", "receiver-0", "MemoryError"),
        ("read, nothing stored", "writer-0", "SystemExit"),
        ("read, nothing stored", "writer-0", "KeyboardInterrupt"),
        ("before the sign of life", "heartbeat", "MemoryError"),
        ("before the dispatcher's look", "heartbeat", "RuntimeError"),
    ],
)
def test_a_poller_ends_with_the_loop_that_dies(world: World, step: str, loop: str, error: str) -> None:
    world.publish("one")
    poller = world.start(*POLLER, strike=f"{error} {step}")
    assert ended(poller, "poll_sqs") == f"{loop} died of {error}."


def test_what_it_had_in_hand_comes_again(world: World) -> None:
    world.publish("one", "two")
    ended(world.start(*POLLER, strike="MemoryError read, nothing stored"), "poll_sqs")
    world.recover()
    assert_all_is_well(world)


def test_a_dispatcher_ends_with_its_loop(world: World) -> None:
    dispatcher = world.start("dispatch_messages", strike="SystemExit before the dispatcher's look")
    assert ended(dispatcher, "dispatch_messages") == "dispatcher died of SystemExit."


@pytest.mark.parametrize("command", [POLLER, ("dispatch_messages",)], ids=["poll_sqs", "dispatch_messages"])
def test_when_the_watch_itself_dies_the_process_does(world: World, command: tuple[str, ...]) -> None:
    code, _, errors = world.start(*command, strike="MemoryError in the watch").wait()
    assert code == 1
    assert "MemoryError" in errors.splitlines()  # what is still open at the end of Python may warn after it
