"""SIGTERM in the middle of a batch: the message in hand is finished, the others are due again at once."""

from __future__ import annotations

import json
import signal
from typing import NamedTuple

import pytest

from passport_events.models import ProcessedMessage, Status
from tests.crashes.apps import SETTINGS
from tests.crashes.world import (
    ITEMS,
    OPPORTUNITIES,
    Process,
    World,
    assert_all_is_well,
    effects,
    eventually,
    worker,
)

FORK = "passport_events.handling.rq_worker.PassportWorker"
SIMPLE = "passport_events.handling.rq_worker.PassportSimpleWorker"
PATIENT = {SETTINGS: json.dumps({"JOB_TIME_LIMIT_SECONDS": 600, "LEASE_SECONDS": 600})}
"""Neither the end of the time slice nor that of a lease helps."""


class Kind(NamedTuple):
    """A worker, and who is told to stop."""

    worker_class: str
    children_too: bool


pytestmark = pytest.mark.postgresql  # how a signal is heard does not depend on the database
KINDS = {
    "fork": Kind(FORK, children_too=False),
    "fork, all told": Kind(FORK, children_too=True),
    "simple": Kind(SIMPLE, children_too=False),
}


def held(world: World, step: str, kind: str, queue: str = OPPORTUNITIES) -> Process:
    """A worker that stands still at a step."""
    world.receive_all()
    process = world.start(
        *worker(queue), f"--worker-class={KINDS[kind].worker_class}", strike=f"hold {step}", **PATIENT
    )
    eventually(process.is_struck)
    return process


def assert_the_rest_is_due(world: World, succeeded: int) -> None:
    """So many had their turn, and nobody can see that the others were ever claimed."""
    rows = ProcessedMessage.objects
    assert rows.filter(status=Status.SUCCEEDED).count() == succeeded, world.unsettled()
    untouched = rows.due().filter(
        status=Status.WAITING, lease_token=None, attempts=0, crashes=0, isolated=False
    )
    assert untouched.count() == len(world.published) - succeeded, world.unsettled()


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        *[("in the handler", kind) for kind in KINDS],
        *[(step, "fork, all told") for step in ("in prepare", "handled, not finished", "committed")],
    ],
)
def test_a_worker_that_is_told_to_stop_finishes_one_message(world: World, step: str, kind: str) -> None:
    world.publish("one", "two", "three")
    process = held(world, step, kind)
    process.tell(signal.SIGTERM, children=KINDS[kind].children_too)
    process.let_go()

    code, _, errors = process.wait()

    assert code == 0, errors
    assert_the_rest_is_due(world, succeeded=1)
    assert effects().total() == 1
    world.work_off(OPPORTUNITIES)
    assert_all_is_well(world)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_told_to_stop_before_its_first_message_gives_all_back(
    world: World, kind: str
) -> None:
    world.publish("one", "two", "three")
    process = held(world, "claim committed", kind)
    process.tell(signal.SIGTERM, children=KINDS[kind].children_too)
    process.let_go()
    code, _, errors = process.wait()
    assert code == 0, errors
    assert_the_rest_is_due(world, succeeded=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_batch_in_hand_is_finished(world: World, kind: str) -> None:
    world.publish("one", "two", "three", "four", event_type="item")
    process = held(world, "batch merged, not finished", kind, ITEMS)
    process.tell(signal.SIGTERM, children=KINDS[kind].children_too)
    process.let_go()
    code, _, errors = process.wait()
    assert code == 0, errors
    assert_the_rest_is_due(world, succeeded=3)  # BATCH_SIZE of these settings
