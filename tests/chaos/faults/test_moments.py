"""Each moment comes in the life of a running pipeline, and whoever is meant dies at it."""

from __future__ import annotations

import signal

import pytest

from tests.chaos.cluster import Cluster
from tests.chaos.faults import aim, moments
from tests.chaos.faults.moments import MOMENTS, Moment
from tests.chaos.faults.watched import Watched, eventually, state

pytestmark = pytest.mark.postgresql

SECONDS = 30


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_the_moment_comes_to_one_of_that_role(pipeline: Watched, moment: Moment) -> None:
    with moment.awaited(pipeline) as trap:
        assert trap.wait(SECONDS)
        assert trap.client_port is not None
        assert moment.owner(pipeline, trap.client_port) in moment.role.pids(pipeline)


@pytest.mark.parametrize(
    "name",
    [
        "SIGKILL a poller after its commit, before its delete",
        "SIGKILL a worker before the commit of an effect arrives",
        "SIGKILL a dispatcher after it won its tick",
    ],
)
def test_who_is_held_dies(pipeline: Watched, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (moment,) = (moment for moment in MOMENTS if name.endswith(str(moment)))
    victims: list[int] = []

    def send_and_tell(cluster: Cluster, pid: int, how: signal.Signals) -> bool:
        assert pid in moment.role.pids(cluster)
        victims.append(pid)
        return aim.send(cluster, pid, how)

    monkeypatch.setattr(moments, "send", send_and_tell)
    eventually(lambda: pipeline.inject(name) == 1)
    eventually(lambda: state(victims[-1]) in {"Z", "gone"})
