"""Who dies, who stands still and whose clock is wrong; and that all of them come back."""

from __future__ import annotations

import struct

import pytest

from tests.chaos import clocks
from tests.chaos.faults import wire
from tests.chaos.faults.aim import working_pids
from tests.chaos.faults.moments import AFTER, Moment, Role
from tests.chaos.faults.watched import Watched, eventually, state

pytestmark = pytest.mark.postgresql

HORSE = Role(
    "a horse", lambda cluster: [pid for worker in cluster.fork_workers for pid in cluster.horses(worker)]
)


def starts(cluster: Watched, role: str = "") -> int:
    """How often processes of a role were started, all together."""
    return sum(process.starts for process in cluster.processes if process.name.startswith(role))


def is_whole(cluster: Watched) -> bool:
    return all(process.is_alive() for process in cluster.processes)


def kill_until_it_does(cluster: Watched, fault: str) -> int:
    """Whom a fault is aimed at may be starting at this moment; then it kills nobody."""
    eventually(lambda: is_whole(cluster) and cluster.inject(fault) > 0, seconds=60)
    return cluster.killed


@pytest.mark.parametrize(
    ("fault", "role"),
    [
        ("SIGKILL a poller", "poller"),
        ("SIGKILL a simple worker", "simple-worker"),
        ("SIGKILL a dispatcher", "dispatcher"),
        ("SIGKILL a fork worker while its horse lives on", "fork-worker"),
        ("SIGKILL a fork worker and its horse", "fork-worker"),
        ("SIGTERM a fork worker twice", "fork-worker"),
        ("SIGKILL a process right after SIGTERM", ""),
    ],
)
def test_one_of_a_role_dies_and_is_started_again(pipeline: Watched, fault: str, role: str) -> None:
    before = starts(pipeline, role)
    kill_until_it_does(pipeline, fault)
    eventually(lambda: is_whole(pipeline) and starts(pipeline, role) > before)


def test_a_horse_dies_and_its_worker_goes_on(pipeline: Watched) -> None:
    def dies_alone() -> bool:
        before = starts(pipeline, "fork-worker")
        return (
            kill_until_it_does(pipeline, "SIGKILL a horse") == 1 and starts(pipeline, "fork-worker") == before
        )

    eventually(dies_alone, seconds=60)


def test_a_horse_outlives_its_worker(pipeline: Watched) -> None:
    # Held in its work, because else it may be done before we look. SIGSTOP would not do: the kernel
    # hangs up on a stopped process when its parent dies.
    at_work = Moment(HORSE, "at work", AFTER, wire.EFFECT)
    with at_work.awaited(pipeline) as trap:
        assert trap.wait(60)
        assert trap.client_port is not None
        horse = at_work.owner(pipeline, trap.client_port)

        def is_orphaned() -> bool:
            pipeline.inject("SIGKILL a fork worker while its horse lives on")  # maybe the other one
            return horse in pipeline.orphans()

        eventually(is_orphaned, seconds=60)


@pytest.mark.parametrize("fault", ["SIGKILL every process at once", "SIGTERM every process at once"])
def test_all_of_them_end_and_are_started_again(pipeline: Watched, fault: str) -> None:
    eventually(lambda: is_whole(pipeline))
    before = {process.name: process.starts for process in pipeline.processes}
    pipeline.inject(fault)
    eventually(lambda: all(process.starts > before[process.name] for process in pipeline.processes))
    eventually(lambda: is_whole(pipeline))


def test_one_after_the_other_they_are_replaced_and_none_is_killed(pipeline: Watched) -> None:
    eventually(lambda: is_whole(pipeline) and pipeline.is_ready, seconds=60)
    before = {process.name: process.starts for process in pipeline.processes}
    pipeline.inject("SIGTERM every process, one after the other")
    assert all(process.starts > before[process.name] for process in pipeline.processes)


@pytest.mark.parametrize(
    "fault",
    [
        "SIGSTOP a horse beyond its lease",
        "SIGSTOP a simple worker beyond its lease",
        "SIGSTOP a fork worker, not its horse",
        "SIGSTOP a poller beyond the visibility timeout",
        "SIGSTOP a dispatcher",
    ],
)
def test_one_stands_still_and_goes_on(pipeline: Watched, fault: str) -> None:
    def stopped() -> int:
        processes = [process.pid or 0 for process in pipeline.processes]
        return sum(state(pid) == "T" for pid in {*processes, *working_pids(pipeline)})

    def stands_still() -> bool:
        return is_whole(pipeline) and 1 in pipeline.during(fault, stopped)

    eventually(stands_still, seconds=60)
    eventually(lambda: stopped() == 0)


@pytest.mark.parametrize("fault", ["SIGSTOP Valkey", "SIGSTOP SQS"])
def test_a_server_stands_still_and_goes_on(pipeline: Watched, fault: str) -> None:
    server = pipeline.valkey if "Valkey" in fault else pipeline.sqs
    pipeline.during(fault, lambda: eventually(lambda: state(server.pid) == "T"))
    eventually(lambda: state(server.pid) != "T")


@pytest.mark.parametrize("fault", ["one process has the wrong time", "every process has another time"])
def test_clocks_are_wrong_and_then_right(pipeline: Watched, fault: str) -> None:
    def errors() -> list[float]:
        files = (pipeline.directory / clocks.FOLDER).iterdir()
        return [error for file in files if (error := struct.unpack("d", file.read_bytes())[0])]

    def are_wrong() -> bool:
        """As many as are meant; one that is just starting has no clock yet."""
        seen = pipeline.during(fault, errors)
        return [len(each) for each in seen] == [1 if "one" in fault else len(pipeline.processes)]

    eventually(lambda: is_whole(pipeline) and are_wrong())
    assert errors() == []
