"""The database's clock, and moments in the form that the project stores."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection, transaction
from django.test import override_settings

from passport_events.clock import ClockTimestamp, convert_from_database, convert_to_database
from passport_events.models import Heartbeat

MOMENT = datetime(2026, 5, 7, 22, 29, 47, 123_000, tzinfo=UTC)


def beat(**columns: object) -> Heartbeat:
    Heartbeat.objects.create(
        name="n", kind="poller", **{"started_at": ClockTimestamp(), "beaten_at": ClockTimestamp(), **columns}
    )
    return Heartbeat.objects.get()


@pytest.mark.django_db
def test_it_is_the_time_of_day() -> None:
    assert abs(datetime.now(UTC) - beat().beaten_at) < timedelta(seconds=10)


@pytest.mark.django_db
def test_it_goes_on_inside_a_transaction() -> None:
    """A lease that is measured from the start of a long transaction would be over before it begins."""
    with transaction.atomic():
        first = beat().beaten_at
        time.sleep(0.005)
        Heartbeat.objects.update(beaten_at=ClockTimestamp())
    assert Heartbeat.objects.get().beaten_at > first


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [-90, 0.5, 3_600])
def test_delays_are_counted_from_it(seconds: float) -> None:
    delay = timedelta(seconds=seconds)
    row = beat(beaten_at=ClockTimestamp() + delay)
    assert abs(row.beaten_at - row.started_at - delay) < timedelta(seconds=5)


@pytest.mark.django_db
def test_rows_are_compared_with_it() -> None:
    beat(beaten_at=ClockTimestamp() + timedelta(seconds=60))
    assert not Heartbeat.objects.filter(beaten_at__lte=ClockTimestamp()).exists()
    Heartbeat.objects.update(beaten_at=ClockTimestamp() - timedelta(milliseconds=1))
    assert Heartbeat.objects.filter(beaten_at__lte=ClockTimestamp()).exists()


@pytest.mark.django_db
def test_a_row_written_now_is_due_now() -> None:
    """SQLite's clock has milliseconds: what was just written must never lie in the future."""
    beat()
    for _ in range(50):
        Heartbeat.objects.update(beaten_at=ClockTimestamp())
        assert Heartbeat.objects.filter(beaten_at__lte=ClockTimestamp()).exists()


def test_a_moment_is_stored_as_it_is_where_the_project_uses_time_zones() -> None:
    assert convert_to_database(MOMENT) is MOMENT
    assert convert_to_database(None) is None


@override_settings(USE_TZ=False, TIME_ZONE="America/New_York")
def test_a_moment_is_stored_in_local_time_where_it_does_not() -> None:
    assert convert_to_database(MOMENT) == datetime(2026, 5, 7, 18, 29, 47, 123_000)  # noqa: DTZ001
    assert convert_to_database(MOMENT.astimezone(timezone(timedelta(hours=5)))) == convert_to_database(MOMENT)
    assert convert_to_database(None) is None


@pytest.mark.parametrize("uses_time_zones", [True, False])
def test_a_stored_moment_is_the_same_moment(*, uses_time_zones: bool) -> None:
    with override_settings(USE_TZ=uses_time_zones, TIME_ZONE="America/New_York"):
        assert convert_from_database(convert_to_database(MOMENT)) == MOMENT
        assert convert_from_database(None) is None


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("America/New_York", datetime(1, 1, 1, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(9999, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_that_local_time_does_not_have_is_left_out(zone: str, moment: datetime) -> None:
    """A publisher may claim any time; it must not stop the poller."""
    with override_settings(USE_TZ=False, TIME_ZONE=zone):
        assert convert_to_database(moment) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]
)
def test_the_ends_of_the_calendar_can_be_stored(moment: datetime) -> None:
    assert beat(beaten_at=convert_to_database(moment)).beaten_at == moment


def test_sqlite_stores_local_time_where_the_project_does() -> None:
    compiler = Heartbeat.objects.all().query.get_compiler(connection=connection)
    with override_settings(USE_TZ=False):
        sql, _ = ClockTimestamp().as_sqlite(compiler, connection)
    assert "localtime" in sql
