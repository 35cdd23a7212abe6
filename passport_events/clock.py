"""The database's clock, which every lease and due time is measured with.

Workers' own clocks may be wrong by minutes; one database has one clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

EARLIEST_YEAR, LATEST_YEAR = 1970, 9_998


class ClockTimestamp(models.Func):
    """The wall clock of the database, even late in a long transaction.

    Django's `Now()` is the start of the statement or, on some databases, of the transaction.
    """

    template = "clock_timestamp()"
    output_field = models.DateTimeField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        """SQLite's clock is that of the one machine; with `USE_TZ=False` Django stores local time.

        Times are texts there. With six digits, as Django writes them, the same millisecond is equal.
        """
        local = "" if settings.USE_TZ else ", 'localtime'"
        template = f"(STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f', 'NOW'{local}) || '000')"
        return self.as_sql(compiler, connection, template=template, **extra)


class StatementTimestamp(ClockTimestamp):
    """The same clock, read once for the whole statement: what rows are compared with.

    `clock_timestamp()` is volatile, so PostgreSQL asks it anew for every row and cannot search an
    index for it; it would read every row that is not due yet.
    """

    template = "statement_timestamp()"


def is_comparable(moment: datetime) -> bool:
    """True if databases can compare rows with it: at the calendar's ends another time zone has no date."""
    return EARLIEST_YEAR <= moment.year <= LATEST_YEAR


def read_clock(connection: BaseDatabaseWrapper) -> datetime:
    """The current time of a connection's database, aware. Raises the database's errors."""
    if connection.vendor == "sqlite":
        return datetime.now(UTC)  # there is no other clock
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now = convert_from_database(cursor.fetchone()[0])
    assert now is not None  # noqa: S101  # for type checkers
    return now


def convert_from_database(moment: datetime | None) -> datetime | None:
    """The aware datetime that `convert_to_database` stored."""
    if moment is None or timezone.is_aware(moment):
        return moment
    return timezone.make_aware(moment, timezone.get_default_timezone())


def convert_to_database(moment: datetime | None) -> datetime | None:
    """An aware datetime in the form this project's `USE_TZ` stores; None beyond the calendar's ends."""
    if moment is None or settings.USE_TZ:
        return moment
    try:
        return timezone.make_naive(moment, timezone.get_default_timezone())
    except OverflowError:
        return None
