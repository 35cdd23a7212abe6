"""Trends, as bars and in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events.admin.failure_rows import Trend


@pytest.mark.parametrize(
    ("by_hour", "bars", "text"),
    [
        ((0, 0, 0, 0, 0, 0), "▁▁▁▁▁▁", "none in the last hour"),
        ((0, 0, 0, 0, 0, 7), "▁▁▁▁▁█", "7 in the last hour, new"),
        ((9, 0, 0, 0, 0, 0), "█▁▁▁▁▁", "none in the last hour"),
        ((4, 4, 4, 4, 4, 4), "██████", "4 in the last hour, steady"),
        ((1, 1, 1, 1, 1, 9), "▂▂▂▂▂█", "9 in the last hour, growing"),
        ((9, 9, 9, 9, 9, 1), "█████▂", "1 in the last hour, falling"),
        ((0, 0, 0, 0, 0, 1_234), "▁▁▁▁▁█", "1,234 in the last hour, new"),
        ((3,), "█", "3 in the last hour, new"),
    ],
)
def test_a_trend_compares_the_last_hour_with_those_before(
    by_hour: tuple[int, ...], bars: str, text: str
) -> None:
    assert Trend.from_counts(by_hour) == Trend(bars, text)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=12))
def test_no_failure_is_the_lowest_bar_and_any_failure_is_higher(by_hour: list[int]) -> None:
    bars = Trend.from_counts(by_hour).bars
    assert [bar == "▁" for bar in bars] == [not count for count in by_hour]
