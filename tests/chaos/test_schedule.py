"""The same seed must do the same harm."""

from __future__ import annotations

import itertools

from tests.chaos.fault import Fault
from tests.chaos.schedule import schedule

FAULTS = tuple(
    Fault(name, "kill", lambda cluster, random: 0, weight=weight)
    for name, weight in (("a", 1), ("b", 3), ("c", 1), ("d", 2))
)


def _names(seed: int, count: int) -> list[str]:
    return [turn.fault.name for turn in itertools.islice(schedule(FAULTS, str(seed)), count)]


def test_the_same_seed_gives_the_same_faults_in_the_same_order() -> None:
    assert _names(5, 100) == _names(5, 100)
    assert _names(5, 100) != _names(6, 100)


def test_what_a_fault_decides_by_is_the_same_too() -> None:
    first, second = (
        [turn.random.random() for turn in itertools.islice(schedule(FAULTS, "5"), 20)] for _ in range(2)
    )

    assert first == second
    assert len(set(first)) == 20


def test_every_kind_comes_once_before_any_comes_twice() -> None:
    assert sorted(_names(5, 4)) == ["a", "b", "c", "d"]


def test_after_that_kinds_come_as_often_as_they_weigh() -> None:
    assert sorted(_names(5, 11)[4:]) == ["a", "b", "b", "b", "c", "d", "d"]


def test_a_run_without_faults_is_possible() -> None:
    assert list(schedule((), "5")) == []
