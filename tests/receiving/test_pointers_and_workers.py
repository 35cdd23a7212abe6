"""Workers that die, are overtaken or meet while they open pointers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, connections
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from passport_events.dispatching import hints
from passport_events.instrumentation import Notification
from passport_events.models import Delivery, ProcessedMessage, Status
from passport_events.receiving import payloads, queries, s3
from passport_events.receiving.payloads import FetchedPayload, StoredPayload
from tests.harness.aws import BUCKET, Sqs
from tests.harness.notifications import Notifications
from tests.receiving.factories import eventually, in_a_thread, opportunities, opportunity
from tests.receiving.pointing import (
    arrive,
    events,
    let_time_pass,
    open_pointers,
    pointer,
    pointers,
    publish,
    send,
    state,
    upload,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]

REPOSITORY = Path(__file__).parents[2]
QUEUE = "passport-opportunities"


def after(monkeypatch: pytest.MonkeyPatch, step: str, happens: Callable[[], object]) -> None:
    """Let something happen right after the first call of a step."""
    done: Any = getattr(payloads, step)
    happened: list[bool] = []

    def and_then(*arguments: Any) -> Any:
        result = done(*arguments)
        if not happened:
            happened.append(True)
            happens()
        return result

    monkeypatch.setattr(payloads, step, and_then)


def let_the_lease_end() -> None:
    """As when the worker stood still for too long: its lease and its lock are over."""
    let_time_pass()
    hints.get_connection(QUEUE).flushall()


def test_it_is_fetched_outside_any_transaction(
    sqs: Sqs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    read = s3.read

    def look(*arguments: Any) -> bytes:
        seen.append((connection.in_atomic_block, pointers()[0].status))
        return read(*arguments)

    monkeypatch.setattr(s3, "read", look)
    send(sqs, bucket, opportunity(1))
    open_pointers()

    assert seen == [(False, "processing")]


@pytest.mark.parametrize("step", ["fetch", "store"])
def test_a_worker_that_is_killed_leaves_nothing_and_the_pointer_runs_alone(
    sqs: Sqs, bucket: Bucket, notifications: Notifications, step: str
) -> None:
    """Given a process that dies with its payload fetched, or stored and not committed, the next one does it all."""
    message = send(sqs, bucket, opportunities(range(3)))
    neighbour = send(sqs, bucket, opportunity(7))
    dying = f"""
import django; django.setup()
import os
from django.conf import settings
from passport_events.handling.worker import work
from passport_events.receiving import payloads
settings.PASSPORT_EVENTS = {{**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": [{BUCKET!r}]}}
done = payloads.{step}
def die(*arguments):
    done(*arguments)
    os._exit(9)
payloads.{step} = die
work({QUEUE!r})
"""
    died = subprocess.run(
        [sys.executable, "-c", dying],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=REPOSITORY,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == 9, died.stderr.decode()
    assert (events(), Delivery.objects.count()) == ([], 2)
    assert {m.status for m in pointers()} == {Status.PROCESSING}

    let_the_lease_end()
    open_pointers()

    crashed = [set(facts["message_ids"]) for facts in notifications.facts_of(Notification.CRASHED)]
    assert crashed == [{message.pk, neighbour.pk}]
    assert [state(m) for m in (message, neighbour)] == [("succeeded", "", 1)] * 2
    assert [m.status for m in events()] == ["succeeded"] * 4


@pytest.mark.parametrize("step", ["fetch", "store"])
def test_a_worker_that_was_overtaken_changes_nothing(
    sqs: Sqs, bucket: Bucket, notifications: Notifications, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    message = send(sqs, bucket, opportunities(range(3)))
    after(
        monkeypatch,
        step,
        lambda: ProcessedMessage.objects.filter(pk=message.pk).update(status="waiting", lease_token=None),
    )
    open_pointers()

    assert len(notifications.facts_of(Notification.LEASE_LOST)) == 1
    assert notifications.facts_of(Notification.STORED)[1:] == []
    assert state(message)[1:] == ("", 0)
    assert (events(), Delivery.objects.count()) == ([], 1)


def test_of_two_workers_that_fetched_the_same_one_has_stored_it(
    sqs: Sqs, bucket: Bucket, notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = send(sqs, bucket, opportunities(range(3)))

    def another_worker() -> None:
        let_the_lease_end()
        in_a_thread(open_pointers)
        let_the_lease_end()  # it is isolated now, and runs alone in the second look
        in_a_thread(open_pointers)

    after(monkeypatch, "fetch", another_worker)
    open_pointers()

    assert len(notifications.facts_of(Notification.LEASE_LOST)) == 1
    assert state(message) == ("succeeded", "", 1)
    assert [m.status for m in events()] == ["succeeded"] * 3
    assert Delivery.objects.count() == 2


@pytest.mark.postgresql
def test_two_pointers_to_the_same_that_are_opened_at_once_bring_it_once(sqs: Sqs, bucket: Bucket) -> None:
    """Given two workers that both stored and did not commit yet, the second finds the first's rows."""
    key = upload(bucket, opportunities(range(20)))
    for _ in range(2):
        publish(sqs, pointer(key))
    arrive()
    first, second = pointers()
    ProcessedMessage.objects.filter(pk=second.pk).update(due_at=None, status="dead", finished_at=first.due_at)
    stored, go_on = threading.Event(), threading.Event()
    store = payloads.store

    def slow_store(payload: FetchedPayload) -> StoredPayload:
        result = store(payload)
        if not stored.is_set():
            stored.set()
            assert go_on.wait(20)
        return result

    def work() -> None:
        try:
            open_pointers()
        finally:
            connections.close_all()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads, "store", slow_store)
        one = threading.Thread(target=work)
        one.start()
        assert stored.wait(20)
        ProcessedMessage.objects.filter(pk=second.pk).update(
            due_at=first.due_at, status="waiting", finished_at=None
        )
        two = threading.Thread(target=work)
        two.start()
        eventually(_somebody_waits_for_a_lock)
        go_on.set()
        one.join()
        two.join()
    open_pointers()

    assert [m.status for m in pointers()] == ["succeeded"] * 2
    assert [m.status for m in events()] == ["succeeded"] * 20


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.postgresql
def test_an_event_that_was_stored_with_other_content_at_this_moment_is_kept_at_the_next_one(
    sqs: Sqs, bucket: Bucket
) -> None:
    message = send(sqs, bucket, opportunity(1))
    put = queries.insert_rows

    def be_overtaken(deliveries: Any) -> None:
        patch.setattr(queries, "insert_rows", put)
        publish(sqs, opportunity(1, "another name"))
        in_a_thread(arrive)
        put(deliveries)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "insert_rows", be_overtaken)
        open_pointers()

    reason = "an event with the key of one of these and other content was just stored"
    assert state(message) == ("waiting", reason, 0)
    let_time_pass()
    open_pointers()
    assert state(message) == ("succeeded", "", 1)
    assert sorted((m.status, m.reason) for m in events()) == [
        ("quarantined", "key_collision"),
        ("succeeded", ""),
    ]


def test_rqs_alarm_costs_an_attempt(sqs: Sqs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    message = send(sqs, bucket, opportunity(1))

    def wait_for_ever(*arguments: Any) -> bytes:
        threading.Event().wait()
        raise AssertionError

    monkeypatch.setattr(s3, "read", wait_for_ever)
    with UnixSignalDeathPenalty(1, JobTimeoutException):  # type: ignore[no-untyped-call]
        open_pointers()

    assert state(message) == ("waiting", "rq.timeouts.JobTimeoutException", 1)
