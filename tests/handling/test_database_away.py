"""A database that goes away costs no attempts and makes no noise."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection

from passport_events import handles
from passport_events.handling import execute, jobs, worker
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification
from passport_events.mirror import apply
from passport_events.models import ProcessedMessage, Status
from tests.handling.factories import OPPORTUNITIES, a_backlog, an_event, an_organization, stored
from tests.harness.notifications import Notifications

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_the_job_ends_without_an_error_and_unclaims_the_rest(
    monkeypatch: pytest.MonkeyPatch, notifications: Notifications, error: type[Exception]
) -> None:
    handles("opportunity")(lambda event, record: None)

    def away(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(execute, "lock_record", away)
    home = an_organization()
    stored(*(an_event(home, number) for number in range(3)))
    jobs.work_on_queue(OPPORTUNITIES)

    assert ProcessedMessage.objects.due().filter(status=Status.WAITING, attempts=0).count() == 2
    states = [facts for stage, facts in notifications if stage is Notification.STATE_CHANGED]
    assert {"what": "database", "state": "away", "reason": error.__name__} in states


def test_an_error_before_the_first_attempt_does_not_make_a_busy_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given stubs that cannot be made, the job ends at the first try; the dispatcher hints again."""
    tries = []

    def away(messages: Any) -> None:
        tries.append(len(messages))
        raise OperationalError

    monkeypatch.setattr(worker, "ensure_records", away)
    a_backlog(an_organization(), 3)
    jobs.work_on_queue(OPPORTUNITIES)

    assert tries == [3]
    assert ProcessedMessage.objects.due().filter(status=Status.WAITING, attempts=0).count() == 3


@pytest.mark.postgresql
def test_a_connection_that_ended_between_two_statements_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a backend that was terminated outside of any transaction, the rest can still be unclaimed."""
    make_stubs = apply.ensure_records

    def cut(messages: Any) -> None:
        end_connection()
        make_stubs(messages)

    monkeypatch.setattr(worker, "ensure_records", cut)
    a_backlog(an_organization(), 3)
    with pytest.raises(OperationalError):
        work(OPPORTUNITIES)

    assert ProcessedMessage.objects.due().filter(status=Status.WAITING, attempts=0).count() == 3


def end_connection() -> None:
    """Terminate the backend of this thread's connection, from another one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()

    def terminate() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        connection.close()

    other = threading.Thread(target=terminate)
    other.start()
    other.join()
