"""SIGKILL at every step from SQS to the handler; healthy processes then finish what was begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crashes import steps
from tests.crashes.databases import struck
from tests.crashes.titles import FAILS_ONCE, SLOW
from tests.crashes.world import ATTACHMENTS, ITEMS, OPPORTUNITIES, POLLER, World, assert_all_is_well, worker

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket


@pytest.mark.parametrize("step", struck([*steps.POLLER, *steps.HINTS]))
def test_a_poller_that_dies_loses_nothing(world: World, step: str) -> None:
    world.publish("one", "two")
    world.publish("three", event_type="item")
    world.kill_at(step, *POLLER)

    world.recover()

    assert_all_is_well(world)


@pytest.mark.parametrize("step", struck([*steps.WORKER, *steps.HANDLER]))
def test_a_worker_that_dies_loses_nothing_and_does_nothing_twice(world: World, step: str) -> None:
    world.publish("one", "two", "three", "four")
    world.receive_all()
    world.kill_at(step, *worker(OPPORTUNITIES))

    world.work_off(OPPORTUNITIES)

    assert_all_is_well(world)


@pytest.mark.parametrize("step", struck(steps.FAILURE))
def test_a_worker_that_dies_while_it_records_a_failure(world: World, step: str) -> None:
    world.publish(FAILS_ONCE, "two")
    world.receive_all()
    world.kill_at(step, *worker(OPPORTUNITIES))

    world.work_off(OPPORTUNITIES)

    assert_all_is_well(world)


@pytest.mark.parametrize("step", struck(steps.UNCLAIM))
def test_a_worker_that_dies_when_its_time_is_over(world: World, step: str) -> None:
    world.publish(SLOW, SLOW)
    world.receive_all()
    world.kill_at(step, *worker(OPPORTUNITIES))

    world.work_off(OPPORTUNITIES)

    assert_all_is_well(world)


@pytest.mark.parametrize("step", struck(steps.BATCH))
def test_a_worker_that_dies_in_a_whole_batch(world: World, step: str) -> None:
    world.publish("one", "two", event_type="item")
    world.receive_all()
    world.kill_at(step, *worker(ITEMS))

    world.work_off(ITEMS)

    assert_all_is_well(world)


@pytest.mark.parametrize("step", struck(steps.SHARED))
def test_a_worker_that_dies_in_a_transaction_that_handlers_share(world: World, step: str) -> None:
    world.publish("one", "two", "three", event_type="attachment")
    world.receive_all()
    world.kill_at(step, *worker(ATTACHMENTS))

    world.work_off(ATTACHMENTS)

    assert_all_is_well(world)


@pytest.mark.parametrize("step", struck(steps.POINTER))
def test_a_worker_that_dies_while_it_processes_a_pointer(world: World, bucket: Bucket, step: str) -> None:
    world.publish_large(bucket, "one")
    world.receive_all()
    world.kill_at(step, *worker(OPPORTUNITIES))

    world.work_off(OPPORTUNITIES)

    assert_all_is_well(world)


@pytest.mark.parametrize("step", struck(steps.CRASH))
def test_a_worker_that_dies_while_it_recovers_expired_leases(world: World, step: str) -> None:
    world.publish("one", "two")
    world.receive_all()
    world.kill_at("claim committed", *worker(OPPORTUNITIES))
    with world.healthy(("dispatch_messages",)):
        world.kill_at(step, *worker(OPPORTUNITIES))

    world.work_off(OPPORTUNITIES)

    assert_all_is_well(world)


@pytest.mark.parametrize("step", struck([*steps.DISPATCHER, *steps.HINTS]))
def test_a_dispatcher_that_dies_is_not_missed(world: World, step: str) -> None:
    world.publish("one", "two")
    world.receive_all()
    world.forget_hints()
    world.kill_at(step, "dispatch_messages")

    world.recover()

    assert_all_is_well(world)
