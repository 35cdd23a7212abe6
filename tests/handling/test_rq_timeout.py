"""RQ interrupts a job once; whatever hangs after that would hang unseen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rq.timeouts import JobTimeoutException

from passport_events import Event, handles
from passport_events.handling import worker
from passport_events.handling.worker import work
from passport_events.models import MessageAttempt, ProcessedMessage, SalesforceRecord, Status
from tests.handling.factories import (
    OPPORTUNITIES,
    a_backlog,
    an_event,
    an_organization,
    now,
    ring,
    statuses,
    stored,
    write,
    written,
)

PATIENCE_SECONDS = 20

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "alarm_off")]


def test_a_handler_that_hangs_has_failed_and_the_rest_is_unclaimed(
    change_settings: Callable[..., None],
) -> None:
    change_settings(JOB_TIME_LIMIT_SECONDS=0.1)
    calls = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")
        calls.append(event.record_id)
        ring(0.2)
        time.sleep(30)

    home = an_organization()
    stored(*(an_event(home, number) for number in range(3)))
    work(OPPORTUNITIES)

    assert len(calls) == 1
    assert (statuses(), written()) == ({"waiting": 3}, [])
    assert MessageAttempt.objects.get().error_class == "rq.timeouts.JobTimeoutException"
    assert ProcessedMessage.objects.due().filter(attempts=0).count() == 2


def test_a_prepare_that_hangs_has_failed_too(change_settings: Callable[..., None]) -> None:
    change_settings(JOB_TIME_LIMIT_SECONDS=0.1)

    def hang(event: Event) -> None:
        ring(0.2)
        time.sleep(30)

    handles("opportunity", prepare=hang)(lambda event, record: None)
    stored(*(an_event(an_organization(number), number) for number in (1, 2)))
    work(OPPORTUNITIES)

    assert MessageAttempt.objects.get().error_class == "rq.timeouts.JobTimeoutException"
    assert ProcessedMessage.objects.due().filter(attempts=0).count() == 1


@pytest.mark.postgresql
def test_a_handler_that_hangs_in_a_statement_has_failed_with_that_error(
    change_settings: Callable[..., None],
) -> None:
    """Given a statement that waits, when the job times out, the server cancels it and unlocks the record."""
    change_settings(JOB_TIME_LIMIT_SECONDS=0.1)
    held, done, patience_ended = threading.Event(), threading.Event(), []

    def hold() -> None:
        advisory("SELECT pg_advisory_lock(1)")
        held.set()
        patience_ended.append(not done.wait(PATIENCE_SECONDS))
        connection.close()

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        ring(0.2)
        advisory("SELECT pg_advisory_lock(1)")

    messages = stored(*(an_event(an_organization(number), number) for number in (1, 2)))
    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    work(OPPORTUNITIES)
    done.set()
    other.join()

    assert patience_ended == [False]
    assert MessageAttempt.objects.get().error_class == "rq.timeouts.JobTimeoutException"
    assert sorted(now(message).attempts for message in messages) == [0, 1]
    assert statuses() == {"waiting": 2}


def advisory(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_job_timeout_during_a_batch_merge_ends_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> None:
        raise JobTimeoutException

    monkeypatch.setattr(worker, "merge_batch", interrupted)
    a_backlog(an_organization(), 3)

    with pytest.raises(JobTimeoutException):
        work(OPPORTUNITIES)
    assert ProcessedMessage.objects.due().filter(status=Status.WAITING, attempts=0).count() == 3
