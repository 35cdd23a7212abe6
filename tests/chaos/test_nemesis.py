"""Two lanes of faults, and what becomes of a fault that raises."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.nemesis import MOST_BROKEN, Nemesis


class Quiet(Cluster):
    """A cluster that nobody starts, and in which time does not pass."""

    def wait(self, seconds: float) -> None:
        """Go on at once."""


def _nemesis(tmp_path: Path, *faults: Fault) -> tuple[Nemesis, io.StringIO]:
    log = io.StringIO()
    return Nemesis(Quiet(tmp_path), faults, 1, log), log


def _after(nemesis: Nemesis, times: int) -> Callable[[], bool]:
    return lambda: nemesis.injected.total() + len(nemesis.broken) >= times


def _kills(number: int) -> Inject:
    return lambda cluster, random: number


def _raises(cluster: Cluster, random: Random) -> int:
    raise ProcessLookupError("it has just died")


def test_both_lanes_work_and_are_counted(tmp_path: Path) -> None:
    nemesis, log = _nemesis(tmp_path, Fault("a", "kill", _kills(2)), Fault("b", "redis", _kills(0)))

    nemesis.run(lambda: {"a", "b"} <= nemesis.injected.keys())

    assert nemesis.killed == 2 * nemesis.injected["a"]
    assert "begin b" in log.getvalue()
    assert "end a killed=2" in log.getvalue()
    assert nemesis.now == ""


@pytest.mark.parametrize("kind", ["kill", "redis"])
def test_a_lane_may_be_empty(tmp_path: Path, kind: str) -> None:
    nemesis, _ = _nemesis(tmp_path, Fault("a", kind, _kills(1)))

    nemesis.run(_after(nemesis, 3))

    assert nemesis.injected["a"] >= 3


@pytest.mark.parametrize("kind", ["kill", "redis"])
def test_a_fault_that_raises_is_written_down_and_the_run_goes_on(tmp_path: Path, kind: str) -> None:
    nemesis, log = _nemesis(tmp_path, Fault("a", kind, _raises), Fault("b", kind, _kills(1)))

    nemesis.run(lambda: nemesis.injected["b"] >= 2)

    assert nemesis.broken[0] == "a: ProcessLookupError: it has just died"
    assert "a" not in nemesis.injected
    assert "Traceback" in log.getvalue()


@pytest.mark.parametrize("kind", ["kill", "redis"])
def test_too_many_of_them_end_the_run(tmp_path: Path, kind: str) -> None:
    nemesis, _ = _nemesis(tmp_path, Fault("a", kind, _raises))

    with pytest.raises(ProcessLookupError):
        nemesis.run(lambda: False)

    assert len(nemesis.broken) == MOST_BROKEN + 1
