"""Whatever happens, in whatever order: the promises hold."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Passport
from tests.model.world import World

pytestmark = pytest.mark.postgresql
FUZZING = hypothesis.settings().max_examples > 100
EXAMPLES = 400 if FUZZING else 5


def test_nothing_that_can_happen_breaks_a_promise(make_world: Callable[[], World]) -> None:
    """With the fuzz profile for some minutes."""
    Passport.played.clear()
    run_state_machine_as_test(
        lambda: Passport(make_world),  # type: ignore[arg-type]  # any factory will do
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            derandomize=not FUZZING,  # `make model` looks for what is new
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
    if FUZZING:
        counted = " ".join(f"{name}={count}" for name, count in sorted(Passport.played.items()))
        print(f"\nmodel: {counted}")  # noqa: T201  what `make model` is asked for
