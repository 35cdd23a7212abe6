"""What the complexity tests count with must itself see what is quadratic, also inside C."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.steps import CountedText, assert_linear, count_steps


def names(count: int) -> list[CountedText]:
    return [CountedText(f"Field{number}__c") for number in range(count)]


def one_loop(size: int) -> Callable[[], object]:
    return lambda: [number + 1 for number in range(size)]


def a_loop_in_a_loop(size: int) -> Callable[[], object]:
    return lambda: [1 for _ in range(size) for _ in range(size)]


def a_set(size: int) -> Callable[[], object]:
    wanted, found = names(size), set(names(size))
    return lambda: [name for name in wanted if name not in found]


def a_scan_of_a_tuple(size: int) -> Callable[[], object]:
    wanted, found = names(size), tuple(names(size))
    return lambda: [name for name in wanted if name not in found]


def a_sort(size: int) -> Callable[[], object]:
    wanted = names(size)[::-2] + names(size)[::2]
    return lambda: sorted(wanted)


def test_the_same_call_always_takes_the_same_steps() -> None:
    assert count_steps(one_loop(100)) == count_steps(one_loop(100)) > 100


@pytest.mark.parametrize("prepare", [one_loop, a_set, a_sort])
def test_what_is_linear_passes(prepare: Callable[[int], Callable[[], object]]) -> None:
    assert_linear(prepare)


@pytest.mark.parametrize("prepare", [a_loop_in_a_loop, a_scan_of_a_tuple])
def test_what_is_quadratic_fails(prepare: Callable[[int], Callable[[], object]]) -> None:
    with pytest.raises(AssertionError, match="times"):
        assert_linear(prepare, 100)


def test_an_error_leaves_nothing_traced() -> None:
    with pytest.raises(ZeroDivisionError):
        count_steps(lambda: 1 / 0)
    assert count_steps(lambda: None) < 10
