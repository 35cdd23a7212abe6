"""The purge that runs by itself. Case D5."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events import conf, periodic_tasks
from passport_events.models import Delivery, OperatorAction, Progress, Status
from passport_events.operating import automatic_purge, retention, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.doctor import purge as doctor
from passport_events.operating.retention import PurgeCounts, Retention
from tests.operating.inbox import end, opportunity, organization, rows
from tests.operating.test_passport_command import passport
from tests.operating.test_retention import aged, ended, says

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


@pytest.fixture(autouse=True)
def _ask_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(automatic_purge, "CHECK_SECONDS", 0)
    automatic_purge.timer.reset()
    yield
    automatic_purge.timer.reset()


@pytest.fixture
def one_step_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic_purge, "TICK_SECONDS", 0)
    monkeypatch.setattr(retention, "MAX_STEP_DELIVERIES", 2)


def purges() -> list[tuple[bool, int]]:
    """Of the audit log: whether they ended, and how many rows they changed."""
    found = OperatorAction.objects.filter(kind="purge").order_by("pk")
    return [(action.ended_at is not None, action.affected) for action in found]


def let_time_pass(span: timedelta) -> None:
    ended = OperatorAction.objects.filter(kind="purge", ended_at__isnull=False)
    ended.update(ended_at=timezone.now() - span)


def test_the_chores_purge_and_write_down_that_they_did() -> None:
    organization()
    old, young = ended(1, 20), ended(2, 1)

    periodic_tasks.run()

    assert (says(old), says(young)) == ((False, False), (True, True))
    assert purges() == [(True, 2)]
    assert OperatorAction.objects.get().actor_name == "periodic task"


def test_it_runs_at_most_once_in_six_hours() -> None:
    organization()
    ended(1, 20)
    automatic_purge.tick()
    later = ended(2, 20)

    automatic_purge.tick()
    assert says(later) == (True, True)

    let_time_pass(automatic_purge.INTERVAL)
    automatic_purge.tick()
    assert says(later) == (False, False)
    assert purges() == [(True, 2), (True, 2)]


def test_nothing_is_written_down_where_nothing_is_old_enough() -> None:
    organization()
    ended(1, 13)
    automatic_purge.tick()
    assert purges() == []


def test_of_purges_that_found_nothing_only_the_last_stays() -> None:
    organization()
    ended(1, 20)
    for _ in range(4):
        automatic_purge.tick()
        let_time_pass(automatic_purge.INTERVAL)
    assert purges() == [(True, 2), (True, 0)]


def test_it_can_be_switched_off(settings: Settings) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "PURGE_AUTOMATICALLY": False}
    organization()
    old = ended(1, 20)
    periodic_tasks.run()
    assert (says(old), purges()) == ((True, True), [])


@pytest.mark.usefixtures("one_step_a_tick")
def test_a_tick_takes_no_longer_than_its_slice() -> None:
    organization()
    old = [ended(number, 20) for number in range(5)]
    left = []
    for _ in range(4):
        automatic_purge.tick()
        left.append(rows(*old).exclude(content={}).count())
    assert left == [3, 1, 0, 0]
    assert purges() == [(True, 10)]


@pytest.mark.usefixtures("one_step_a_tick")
def test_keys_that_are_far_apart_are_skipped_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    organization()
    monkeypatch.setattr(retention, "MAX_STEP_KEYS", 3)
    ended(1, 20)
    far = timezone.now() - timedelta(days=20)
    Delivery.objects.create(pk=10_000_000_000, body=b"x", body_size=1, sqs_message_id="1", received_at=far)
    steps: list[PurgeCounts] = []
    purged = retention.purge(Retention.from_settings(conf.get_settings()), steps.append)
    assert (purged.redacted_deliveries, len(steps)) == (2, 2)


@pytest.mark.usefixtures("one_step_a_tick")
def test_an_operator_can_pause_it_and_nothing_else_works_on_it() -> None:
    organization()
    old = [ended(number, 20) for number in range(5)]
    automatic_purge.tick()
    action = OperatorAction.objects.get()
    runner.run_due_operations()
    assert rows(*old).exclude(content={}).count() == 3

    assert passport("operations", "--pause", str(action.pk))[0] == 0
    automatic_purge.tick()
    assert rows(*old).exclude(content={}).count() == 3
    assert passport("operations", "--resume", str(action.pk))[0] == 0
    automatic_purge.tick()
    assert rows(*old).exclude(content={}).count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_fails_stops_it_and_not_the_chores(monkeypatch: pytest.MonkeyPatch) -> None:
    organization()
    ended(1, 20)

    def fail(*_: Any) -> int:
        raise failure

    monkeypatch.setattr(retention, "purge_window", fail)
    failure: Exception = OperationalError("lock timeout")
    automatic_purge.tick()
    assert OperatorAction.objects.get().progress == Progress.RUNNING
    failure = ValueError("a student's name")
    automatic_purge.tick()
    action = OperatorAction.objects.get()
    assert (action.progress, action.failure) == (Progress.STOPPED, "builtins.ValueError")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_one_moment_purge_each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    organization()
    old = [ended(number, 20) for number in range(12)]
    monkeypatch.setattr(retention, "MAX_STEP_DELIVERIES", 2)
    start = threading.Barrier(4)
    errors: list[BaseException] = []

    def tick() -> None:
        try:
            start.wait()
            while rows(*old).exclude(content={}).exists():
                automatic_purge.tick()
            automatic_purge.tick()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    while not all(is_over for is_over, _ in purges()):
        automatic_purge.tick()
    assert sum(affected for _, affected in purges()) == 24


def test_the_command_is_written_down_too() -> None:
    organization()
    ended(1, 20)
    assert passport("purge")[0] == 0
    assert purges() == [(True, 2)]
    assert passport("purge")[0] == passport("purge")[0] == 0
    assert purges() == [(True, 2), (True, 0)]
    automatic_purge.tick()
    assert len(purges()) == 2


def test_the_audit_log_shows_it(admin_client: Client) -> None:
    organization()
    ended(1, 20)
    automatic_purge.tick()
    action = OperatorAction.objects.get()
    for page in ("", f"{action.pk}/change/"):
        answer = admin_client.get(f"/admin/passport_events/operatoraction/{page}")
        assert (answer.status_code, "purge" in answer.content.decode().lower()) == (200, True)


# What the doctor says


def diagnosis(**changes: Any) -> str:
    settings = conf.Settings(**changes)
    return " ".join(finding.hint for finding in doctor.judge(doctor.read_facts(settings), settings))


def test_the_doctor_says_nothing_before_anything_is_old() -> None:
    assert diagnosis() == ""
    organization()
    ended(1, 15)
    assert diagnosis() == ""


@pytest.mark.parametrize(
    ("changes", "said"), [({}, "dispatch_messages"), ({"purge_automatically": False}, "once a day")]
)
def test_the_doctor_says_when_nobody_purged_for_two_days(changes: dict[str, Any], said: str) -> None:
    organization()
    aged(end(opportunity(1), Status.SUCCEEDED), 17)
    assert said in diagnosis(**changes)
    automatic_purge.record_purge(Actor("ann"), PurgeCounts())
    assert diagnosis(**changes) == ""
    let_time_pass(timedelta(days=2, hours=1))
    assert said in diagnosis(**changes)


def test_the_doctor_says_why_it_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    organization()
    ended(1, 17)
    action = automatic_purge.begin(Retention.from_settings(conf.get_settings()))
    assert action
    runner.stop_operation(action.pk, "builtins.ValueError")
    assert "is paused: builtins.ValueError" in diagnosis()
