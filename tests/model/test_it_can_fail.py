"""Proof that the model can fail: it finds every bug that is planted, and says which promise it breaks."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.model.bugs import BUGS
from tests.model.choices import EVERYTHING
from tests.model.machine import Passport
from tests.model.world import World

pytestmark = pytest.mark.postgresql
FUZZING = hypothesis.settings().max_examples > 100
EXAMPLES = 1_000 if FUZZING else 50


@pytest.mark.parametrize("bug", sorted(BUGS))
def test_a_planted_bug_is_found(
    bug: str, make_world: Callable[[], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ordinarily with the rules that it takes; with the fuzz profile hypothesis gets no such help."""
    focus = EVERYTHING if FUZZING else BUGS[bug].focus
    BUGS[bug].plant(monkeypatch)

    with pytest.raises(Exception, match=BUGS[bug].complaint):
        run_state_machine_as_test(
            lambda: Passport(make_world, focus),  # type: ignore[arg-type]  # any factory will do
            settings=hypothesis.settings(
                max_examples=EXAMPLES,
                stateful_step_count=30 if FUZZING else 12,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[hypothesis.Phase.generate],
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
        )
