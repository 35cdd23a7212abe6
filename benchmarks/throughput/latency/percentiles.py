"""Percentiles by the nearest rank: a value that was really measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds; of `count` values."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Percentiles | None:
        """None where nothing was measured."""
        if not values:
            return None
        ordered = sorted(values)

        def rank(percent: int) -> float:
            return ordered[math.ceil(len(ordered) * percent / 100) - 1]

        return cls(len(ordered), rank(50), rank(95), rank(99))

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p95 {self.p95:.1f} ms, p99 {self.p99:.1f} ms ({self.count:,} values)"
