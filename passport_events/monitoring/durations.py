"""Durations between two columns, and the histogram's class of them, in the database's words."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Value
from django.db.models.functions import Cast, Floor, Greatest, Ln
from django.db.models.sql.compiler import SQLCompiler

from passport_events.monitoring.histogram import PER_DECADE, SHORTEST

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


def duration_class(end: str, start: str) -> Cast:
    """The class in which the time from the column `start` to the column `end` falls."""
    seconds = Greatest(Seconds(F(end), F(start)), Value(SHORTEST, output_field=models.FloatField()))
    return Cast(Floor(Ln(seconds) * Value(PER_DECADE / LN_10)), models.IntegerField())
