"""Minute by minute, what the rows say goes into the figures, whatever dies on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from passport_events import handles
from passport_events.handling import registry
from passport_events.handling.worker import work
from passport_events.models import ProcessedMessage, Status
from passport_events.monitoring import minute_counts, rollup
from passport_events.monitoring.durations import compute_percentiles
from passport_events.monitoring.models import Figures, Freshness, MinuteClaim, QueueSample
from passport_events.testing import organization_id
from project.embedded import ValkeyServer
from tests.monitoring.past import (
    HANDLED_FOR,
    ON_ITS_WAY_FOR,
    begin_at,
    count,
    counted,
    go_on,
    move_back,
    this_minute,
    took,
)
from tests.operating.inbox import dead, opportunity, organization, store

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def handled(number: int = 1) -> ProcessedMessage:
    message = opportunity(number)
    work("passport-opportunities")
    message.refresh_from_db()
    assert message.status == Status.SUCCEEDED
    return message


def test_what_arrived_and_ended_is_counted_by_type_and_organization(redis_server: ValkeyServer) -> None:
    organization()
    handled(1)
    handled(2)
    dead(3)
    opportunity(4, home=organization_id(7))  # which nobody knows
    store(b"hello")
    move_back(MINUTE)

    count()

    home: dict[str, Any] = {"event_type": "opportunity", "organization_salesforce_id": organization_id(1)}
    assert counted(**home) == {"arrived": 3, "succeeded": 2, "dead": 1}
    stranger: dict[str, Any] = {"event_type": "opportunity", "organization_salesforce_id": organization_id(7)}
    assert counted(**stranger) == {"arrived": 1, "quarantined": 1}
    assert counted(event_type="") == {"arrived": 1, "quarantined": 1}


def test_durations_are_counted_so_that_percentiles_come_out(redis_server: ValkeyServer) -> None:
    organization()
    for number in range(3):
        handled(number)
    took()
    move_back(MINUTE)

    count()

    row = Figures.objects.get(span=1, succeeded=3)
    assert compute_percentiles(row.latency, 0.5) == pytest.approx((ON_ITS_WAY_FOR.total_seconds(),), rel=0.07)
    assert compute_percentiles(row.processing_time, 0.99) == pytest.approx(
        (HANDLED_FOR.total_seconds(),), rel=0.07
    )


def test_a_replay_does_not_count_as_slow(redis_server: ValkeyServer) -> None:
    organization()
    handled()
    took()
    ProcessedMessage.objects.update(generation=1)
    move_back(MINUTE)

    count()

    assert Figures.objects.get(span=1, succeeded=1).latency == {}


def test_failed_attempts_are_counted_though_the_message_goes_on(
    redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization()
    monkeypatch.setattr(registry, "_handlers", {})

    @handles("opportunity")
    def fails(event: object, record: object) -> None:
        raise ValueError

    opportunity()
    work("passport-opportunities")
    move_back(MINUTE)
    count()

    assert counted() == {"arrived": 1, "failed_attempts": 1}
    last = Figures.objects.filter(span=1, event_type="opportunity").latest("start")
    assert (last.waiting, last.due, last.retries) == (1, 0, 1)


def test_what_stands_is_counted_once_a_minute_and_of_the_last_minute_only() -> None:
    organization()
    opportunity(1)
    dead(2)

    assert rollup.record_backlog()
    count()

    (row,) = Figures.objects.filter(span=1, waiting__gt=0)
    assert row.start == this_minute() - 1
    assert (row.waiting, row.due, row.retries, row.dead_letters, row.in_quarantine) == (1, 1, 0, 1, 0)


def test_longer_spans_are_the_sum_of_their_minutes(redis_server: ValkeyServer) -> None:
    organization()
    for number, minutes in enumerate((1, 2, 5, 20, 40)):
        message = handled(number)
        took(pk=message.pk)
        move_back(minutes * MINUTE, pk=message.pk)

    count(45)

    for span in (1, 15, 60):
        assert counted(span) == {"arrived": 5, "succeeded": 5}, span
    for row in Figures.objects.filter(span=60, succeeded__gt=0):
        assert sum(row.latency.values()) == row.succeeded


def test_a_step_that_dies_has_done_nothing_and_the_next_begins_with_the_same_minute(
    redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization()
    handled()
    move_back(MINUTE)
    begin_at(this_minute() - 3)

    def die(minute: int) -> None:
        raise DatabaseError("the server went away")

    with monkeypatch.context() as patched:
        patched.setattr("passport_events.monitoring.intervals.roll_up", die)
        with pytest.raises(DatabaseError):
            go_on()
    last = this_minute() - 1
    assert not Figures.objects.exists()
    go_on()

    assert MinuteClaim.objects.get(name=rollup.FIGURES_CLAIM).minute >= last
    assert counted() == {"arrived": 1, "succeeded": 1}


def test_counting_again_changes_nothing(redis_server: ValkeyServer) -> None:
    organization()
    handled()
    move_back(MINUTE)
    count()
    before = counted()
    count()
    assert counted() == before == {"arrived": 1, "succeeded": 1}


def test_a_transaction_that_ended_late_is_counted_two_minutes_later(redis_server: ValkeyServer) -> None:
    organization()
    begin_at(this_minute() - 4)
    rollup.count_minutes(1)  # the minute before the last but one
    missed = MinuteClaim.objects.get(name=rollup.FIGURES_CLAIM).minute
    handled()
    move_back((this_minute() - missed) * MINUTE)
    assert counted() == {}

    go_on()

    assert counted(start=missed) == {"arrived": 1, "succeeded": 1}


def test_after_a_long_stop_it_counts_one_day_and_forgets_what_is_old() -> None:
    now = this_minute()
    begin_at(now - 30 * 24 * 60)
    for minutes in (rollup.KEEP_MINUTES + 5, rollup.KEEP_LONGER_INTERVALS + 65):
        for span in (1, 60):
            Figures.objects.create(span=span, start=now - minutes, event_type="item")
    QueueSample.objects.create(
        queue="q",
        minute=now - rollup.KEEP_LONGER_INTERVALS - 5,
        is_dead_letters=False,
        depth=1,
        in_flight=0,
        delayed=0,
        retention_seconds=60,
    )

    assert rollup.count_minutes(1) == 1
    assert (
        MinuteClaim.objects.get(name=rollup.FIGURES_CLAIM).minute == now - 1 - rollup.MAX_CATCH_UP_MINUTES + 1
    )
    begin_at(now - 3)
    count()

    assert list(Figures.objects.filter(event_type="item").values_list("span", "start")) == [
        (60, now - rollup.KEEP_MINUTES - 5)
    ]
    assert not QueueSample.objects.exists()


def test_the_newest_of_each_scope_moves_on_and_never_back(redis_server: ValkeyServer) -> None:
    organization()
    new = handled(1)
    move_back(MINUTE)
    count()
    row = Freshness.objects.get()
    new.refresh_from_db()
    assert (row.processed_at, row.arrived_at) == (new.finished_at, new.delivery.received_at)

    old = handled(2)
    move_back(30 * MINUTE, pk=old.pk)
    begin_at(this_minute() - 32)
    count(32)

    assert counted(start=this_minute() - 30) == {"arrived": 1, "succeeded": 1}
    assert Freshness.objects.get().processed_at == new.finished_at


def test_stock_takes_two_queries_for_any_number(django_assert_num_queries: object) -> None:
    organization()
    for number in range(5):
        dead(number)
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert sum(each.dead_letters for each in minute_counts.count_backlog().values()) == 5
