"""A poller or dispatcher that stands still ends by itself, says where, and the next one goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.crashes.apps import SETTINGS
from tests.crashes.short_timeouts import SHORT_TIMEOUTS
from tests.crashes.sockets import Dripping, Proxy, Server, serving
from tests.crashes.world import POLLER, Process, World, assert_all_is_well, eventually
from tests.harness import environment

pytestmark = pytest.mark.postgresql  # SQLite has no server that could be silent
HANGS = {
    "connecting to SQS": "receiving",
    "read, nothing stored": "storing",
    "delete begins": "deleting",
    "hint begins": "hinting",
    "before the sign of life": "writing its heartbeat",
    "before the dispatcher's look": "dispatching",
}
ONE_ERROR_IS_ENOUGH = {"MAX_CONSECUTIVE_ERRORS": 1, "SQS_WAIT_SECONDS": 0}


def ended(process: Process, command: str) -> str:
    """Its reason, which stands on stderr and in the log. Raises AssertionError if it did not end with 1."""
    code, output, errors = process.wait()
    assert code == 1, (code, output, errors)
    [said] = [line for line in errors.splitlines() if line.startswith(f"{command} gave up: ")]
    reason = said.removeprefix(f"{command} gave up: ")
    assert (" hangs: " in reason) == ("most recent call first" in errors)  # where each thread is
    assert f"gave_up process={command} reason={reason}" in errors
    return reason


@pytest.mark.parametrize(("step", "doing"), HANGS.items())
def test_a_loop_that_stands_still_ends_the_poller_and_the_next_one_goes_on(
    world: World, step: str, doing: str
) -> None:
    world.publish("one", "two")
    poller = world.start(*POLLER, strike=f"hold {step}", **{SHORT_TIMEOUTS: "1"})

    reason = ended(poller, "poll_sqs")

    assert f" hangs: it has been {doing} for " in reason
    poller.let_go()
    world.recover()
    assert_all_is_well(world)


def test_a_dispatcher_that_stands_still_ends(world: World) -> None:
    strike = "hold before the dispatcher's look"
    dispatcher = world.start("dispatch_messages", strike=strike, **{SHORT_TIMEOUTS: "1"})
    reason = ended(dispatcher, "dispatch_messages")
    assert reason.startswith("dispatcher hangs: it has been dispatching for ")


def test_an_answer_that_drips_for_ever_ends_the_poller(world: World) -> None:
    with serving(Dripping()) as sqs:
        reason = ended(start_with(world, sqs), "poll_sqs")
    assert reason.startswith("receiver-0 hangs: it has been receiving for ")


def test_an_sqs_that_accepts_and_is_silent_is_away(world: World) -> None:
    with serving(Server()) as sqs:
        reason = ended(start_with(world, sqs), "poll_sqs")
    assert reason.startswith("SQS did not answer a receive: ReadTimeoutError (queue ")


def start_with(world: World, sqs: Server) -> Process:
    """A poller of that SQS."""
    settings = json.dumps({**ONE_ERROR_IS_ENOUGH, "ENDPOINT_URL": f"http://127.0.0.1:{sqs.port}"})
    return world.start(*POLLER, **{SHORT_TIMEOUTS: "1", SETTINGS: settings})


@pytest.fixture
def database(world: World) -> Iterator[Proxy]:
    """Between a process and PostgreSQL."""
    with serving(Proxy(int(os.environ[environment.POSTGRESQL_PORT]))) as proxy:
        assert isinstance(proxy, Proxy)
        yield proxy


def through(database: Proxy) -> dict[str, str]:
    """The environment of a process that talks to PostgreSQL through it."""
    return {SHORT_TIMEOUTS: "1", environment.POSTGRESQL_PORT: str(database.port)}


@pytest.mark.parametrize(
    ("command", "doing"),
    [(POLLER, "heartbeat hangs: it has been writing"), (("dispatch_messages",), "dispatcher hangs: ")],
    ids=["poll_sqs", "dispatch_messages"],
)
def test_a_database_that_accepts_and_is_silent_ends_it(
    world: World, database: Proxy, command: tuple[str, ...], doing: str
) -> None:
    database.hushed.set()
    reason = ended(world.start(*command, **through(database)), command[0])
    assert reason.startswith(doing)


def test_a_database_that_falls_silent_in_the_middle_of_a_batch_loses_nothing(
    world: World, database: Proxy
) -> None:
    world.publish("one", "two")
    poller = world.start(*POLLER, strike="hold deliveries inserted", **through(database))
    eventually(poller.is_struck)
    database.hushed.set()
    poller.let_go()

    reason = ended(poller, "poll_sqs")

    assert " hangs: it has been " in reason
    database.close()
    world.recover()
    assert_all_is_well(world)
