"""Durations between two columns, and the histogram's class of them, in the database's words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Value
from django.db.models.functions import Cast, Floor, Greatest, Ln
from django.db.models.sql.compiler import SQLCompiler

LN_10 = 2.302585092994046


class Seconds(models.Func):
    """Seconds from the second time to the first."""

    template = "EXTRACT(EPOCH FROM (%(expressions)s))::double precision"
    arg_joiner = " - "
    output_field = models.FloatField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        """Times are texts there."""
        end, start = (_Days(each) for each in self.get_source_expressions())
        return compiler.compile((end - start) * Value(86_400.0))


class _Days(models.Func):
    function = "JULIANDAY"
    output_field = models.FloatField()


def build_duration_class(end: str, start: str) -> Cast:
    """The class in which the time from the column `start` to the column `end` falls."""
    seconds = Greatest(Seconds(F(end), F(start)), Value(MIN_SECONDS, output_field=models.FloatField()))
    return Cast(Floor(Ln(seconds) * Value(PER_DECADE / LN_10)), models.IntegerField())


PER_DECADE = 20
MIN_SECONDS = 0.001

Histogram = Mapping[str, int]
"""By class, as JSON has it."""


def classify_duration(seconds: float) -> int:
    """The class of one duration, in seconds; what is negative by other people's clocks is short."""
    return math.floor(math.log(max(seconds, MIN_SECONDS)) * PER_DECADE / math.log(10))


def get_class_seconds(number: int) -> float:
    """The middle of a class, in seconds."""
    return float(10 ** ((number + 0.5) / PER_DECADE))


def merge_histograms(histograms: Iterable[Histogram]) -> dict[str, int]:
    """All of them as one."""
    total: dict[str, int] = {}
    for histogram in histograms:
        # A Counter would take three times as long, and a page adds up thousands.
        for number, count in histogram.items():
            total[number] = total.get(number, 0) + count
    return total


def compute_percentiles(histogram: Histogram, *shares: float) -> tuple[float | None, ...]:
    """For each share, the duration in seconds that so many did not exceed; None where there is nothing."""
    ordered = sorted((int(number), count) for number, count in histogram.items())
    total = sum(count for _, count in ordered)
    return tuple(_find_rank(ordered, max(1, math.ceil(share * total))) if total else None for share in shares)


def _find_rank(ordered: list[tuple[int, int]], rank: int) -> float:
    seen = 0
    for number, count in ordered:
        seen += count
        if seen >= rank:
            return get_class_seconds(number)
    raise AssertionError("a rank lies within its histogram")
