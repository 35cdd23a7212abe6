"""How the demo measures its own speed."""

from __future__ import annotations

import math

import pytest

from project.demo.publisher import Sent
from project.demo.scenario import Ending, Publication, Round
from project.demo.timing import PROMISED_PER_SECOND, percentile, timing
from project.demo.verdict import Arrival


def _round(*names: str) -> Round:
    return Round(
        publications=tuple(Publication(name, "") for name in names),
        endings=dict.fromkeys(names, Ending.SUCCEEDED),
        reasons={},
        mirror={},
        tables={},
    )


def _arrival(sns_message_id: str, finished_at: float) -> Arrival:
    return Arrival(
        sns_message_id=sns_message_id, status="succeeded", reason="", finished_at=finished_at, applied=1
    )


def test_a_duplicate_counts_from_its_first_copy() -> None:
    sent = {"1": Sent("a", at=10.0), "2": Sent("a", at=12.0)}

    assert timing(_round("a"), sent, [_arrival("2", 13.0)]).p95 == 3.0


def test_an_event_has_its_turn_after_those_that_were_published_before_it() -> None:
    names = [str(number) for number in range(101)]
    sent = {name: Sent(name, at=0.0) for name in names}
    late = 1.5
    arrivals = [_arrival(name, number / PROMISED_PER_SECOND + late) for number, name in enumerate(names)]

    found = timing(_round(*names), sent, arrivals)

    assert found.latest == pytest.approx(late)
    assert found.per_second == pytest.approx(101 / (100 / PROMISED_PER_SECOND + late))


def test_nothing_that_succeeded_is_infinitely_slow() -> None:
    assert timing(_round("a"), {"1": Sent("a", at=0.0)}, []).p95 == math.inf


@pytest.mark.parametrize(("share", "expected"), [(0.95, 95), (0.5, 50), (1.0, 100)])
def test_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected
