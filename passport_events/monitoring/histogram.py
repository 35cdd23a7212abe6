"""Durations as counts in classes that grow by an eighth, so that those of many minutes can be added up.

Percentiles themselves cannot be added. A class is named by the whole part of `20 * log10(seconds)`;
from it a percentile is right to about 6 %. Below a millisecond all are alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

PER_DECADE = 20
SHORTEST = 0.001

Histogram = Mapping[str, int]
"""By class, as JSON has it."""


def class_of(seconds: float) -> int:
    """The class of one duration, in seconds; what is negative by other people's clocks is short."""
    return math.floor(math.log(max(seconds, SHORTEST)) * PER_DECADE / math.log(10))


def seconds_of(number: int) -> float:
    """The middle of a class, in seconds."""
    return float(10 ** ((number + 0.5) / PER_DECADE))


def merged(histograms: Iterable[Histogram]) -> dict[str, int]:
    """All of them as one."""
    total: dict[str, int] = {}
    for histogram in histograms:
        # A Counter would take three times as long, and a page adds up thousands.
        for number, count in histogram.items():
            total[number] = total.get(number, 0) + count
    return total


def percentiles(histogram: Histogram, *shares: float) -> tuple[float | None, ...]:
    """For each share, the duration in seconds that so many did not exceed; None where there is nothing."""
    ordered = sorted((int(number), count) for number, count in histogram.items())
    total = sum(count for _, count in ordered)
    return tuple(_at(ordered, max(1, math.ceil(share * total))) if total else None for share in shares)


def _at(ordered: list[tuple[int, int]], rank: int) -> float:
    seen = 0
    for number, count in ordered:
        seen += count
        if seen >= rank:
            return seconds_of(number)
    raise AssertionError("a rank lies within its histogram")
