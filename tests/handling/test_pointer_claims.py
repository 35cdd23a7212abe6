"""Pointers are claimed like others, though they have neither an organization nor a record."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from passport_events.dispatching import dispatcher, hints
from passport_events.dispatching.flow_control import FlowControls
from passport_events.event import S3_POINTER, Identity
from passport_events.handling.claim import Claim, claim_batch, claim_isolated
from passport_events.handling.fairness import select_fairly
from passport_events.handling.locks import RecordLocks, get_record_key
from passport_events.handling.recovery import MAX_CRASHES
from passport_events.handling.worker import work
from passport_events.models import Delivery, ProcessedMessage, SalesforceRecord, Status
from tests.dispatching.test_rate_limits import set_throttle
from tests.handling.factories import (
    OPPORTUNITIES,
    a_backlog,
    a_message,
    an_organization,
    make_due,
    now,
    pause,
    statuses,
)

from .conftest import Statements
from .test_claim_cost import analyze, explain, read

pytestmark = pytest.mark.django_db

TYPES = ["opportunity", S3_POINTER]


@pytest.fixture(autouse=True)
def _pointers_are_on(change_settings: Callable[..., None]) -> None:
    change_settings(S3_PAYLOAD_BUCKETS=["large-messages"])


def some_pointers(count: int, due_in: timedelta = timedelta(seconds=-1)) -> list[ProcessedMessage]:
    """Waiting pointers."""
    delivery = Delivery.objects.create(
        body=b"[]", body_size=2, sqs_message_id=str(uuid.uuid4()), received_at=timezone.now()
    )
    rows = [
        ProcessedMessage(
            delivery=delivery,
            dedup_key=Identity.of("sns", uuid.uuid4()).key,
            event_type=S3_POINTER,
            content={"bucket": "large-messages", "key": "k"},
            due_at=timezone.now() + due_in,
        )
        for _ in range(count)
    ]
    return ProcessedMessage.objects.bulk_create(rows, batch_size=2_000)


def claimed(claim: Claim) -> set[int]:
    return {message.pk for message in claim.messages}


@pytest.mark.parametrize(
    "columns",
    [
        {"event_type": "opportunity"},
        {"event_type": ""},
        {"record_id": "006000000000001AAA"},
        {"organization": "an organization"},
    ],
)
def test_no_other_live_row_may_be_without_them_and_a_pointer_must_be(columns: dict[str, object]) -> None:
    if "organization" in columns:
        columns = {"organization": an_organization()}
    (row,) = some_pointers(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        ProcessedMessage.objects.filter(pk=row.pk).update(**columns)
    ProcessedMessage.objects.filter(pk=row.pk).update(
        due_at=None, status=Status.IGNORED, finished_at=timezone.now(), **columns
    )


def test_pointers_and_events_alternate_in_a_claim(
    locks: RecordLocks, change_settings: Callable[..., None]
) -> None:
    """Given more of both than a claim takes, each has its half."""
    change_settings(BATCH_SIZE=20)
    a_backlog(an_organization(), 50, due_in=timedelta(hours=-1))
    some_pointers(50)

    claim = claim_batch(TYPES, locks)

    kinds = [message.event_type for message in claim.messages]
    assert (kinds.count("opportunity"), kinds.count(S3_POINTER)) == (10, 10)
    assert claim.more


def test_a_backlog_of_them_does_not_hold_up_an_organization(locks: RecordLocks) -> None:
    some_pointers(1_000, due_in=timedelta(hours=-1))
    new = a_message(an_organization())

    claim = claim_batch(TYPES, locks)

    assert new.pk in claimed(claim)
    assert new.pk in {message.pk for message in claim.messages[:2]}


def test_they_are_left_alone_by_workers_of_other_queues(locks: RecordLocks) -> None:
    some_pointers(1)
    assert claim_batch(["opportunity", "item"], locks).messages == ()


def test_each_has_a_lock_of_its_own(locks: RecordLocks) -> None:
    """Given one that another worker holds, the others are free."""
    held, *others = some_pointers(3)
    locks.acquire([get_record_key(held)], uuid.uuid4(), timedelta(seconds=60))

    assert claimed(claim_batch(TYPES, locks)) == {message.pk for message in others}
    assert len({get_record_key(message) for message in (held, *others)}) == 3


@pytest.mark.parametrize("event_type", ["", S3_POINTER])
def test_paused_ones_wait(locks: RecordLocks, event_type: str) -> None:
    some_pointers(2)
    ProcessedMessage.objects.filter(pk=some_pointers(1)[0].pk).update(isolated=True)
    pause(event_type)

    assert claim_batch(TYPES, locks).messages == ()
    assert claim_isolated(TYPES, locks).messages == ()
    assert dispatcher.dispatch() == 0


def test_a_pause_of_an_organization_covers_its_events_and_no_pointer(locks: RecordLocks) -> None:
    home = an_organization()
    a_message(home)
    other, isolated = some_pointers(2)
    ProcessedMessage.objects.filter(pk=isolated.pk).update(isolated=True)
    pause("", home)

    assert dispatcher.dispatch() == 1
    assert claimed(claim_isolated(TYPES, locks)) == {isolated.pk}
    assert claimed(claim_batch(TYPES, locks)) == {other.pk}


def test_they_can_be_throttled(locks: RecordLocks) -> None:
    some_pointers(100)
    a_message(an_organization())
    set_throttle(60, S3_POINTER)

    kinds = [message.event_type for message in claim_batch(TYPES, locks).messages]

    assert (kinds.count("opportunity"), kinds.count(S3_POINTER)) == (1, 6)


def test_a_pointer_whose_worker_crashes_is_isolated_and_dead_after_three_crashes(locks: RecordLocks) -> None:
    first, second = some_pointers(2)
    a_message(an_organization())
    claim_batch(TYPES, locks)
    for _ in range(1 + MAX_CRASHES):
        make_due(first)
        locks.redis.flushall()
        claim_batch(TYPES, locks)
        assert now(first).isolated
        make_due(first)
        claim_isolated(TYPES, locks)

    assert (now(first).status, now(first).crashes) == (Status.DEAD, MAX_CRASHES)
    assert list(first.failures.values_list("outcome", flat=True)) == ["crashed"] * MAX_CRASHES
    assert (now(second).status, now(second).crashes) == (Status.PROCESSING, 0)
    assert not SalesforceRecord.objects.exists()


@pytest.mark.usefixtures("redis_server")
def test_the_dispatcher_hints_at_their_queue(change_settings: Callable[..., None]) -> None:
    change_settings(S3_PAYLOAD_QUEUE="passport-items")
    some_pointers(1)

    assert dispatcher.dispatch() == 1
    assert hints.get_rq_queue("passport-items").count == 1


@pytest.mark.usefixtures("redis_server")
def test_pointers_are_not_claimed_without_buckets(change_settings: Callable[..., None]) -> None:
    change_settings(S3_PAYLOAD_BUCKETS=[])
    some_pointers(1)

    assert (dispatcher.dispatch(), work(OPPORTUNITIES), statuses()) == (0, 0, {"waiting": 1})


def test_a_claim_of_both_takes_six_statements(locks: RecordLocks, statements: Statements) -> None:
    a_backlog(an_organization(), 5)
    some_pointers(5)

    with statements:
        claim_batch(TYPES, locks)

    assert len(statements.data) == 6, "\n".join(statements.data)


def test_a_claim_of_pointers_alone_takes_four_statements(locks: RecordLocks, statements: Statements) -> None:
    some_pointers(5)

    with statements:
        assert len(claim_batch([S3_POINTER], locks).messages) == 5

    assert len(statements.data) == 4, "\n".join(statements.data)


@pytest.mark.postgresql
@pytest.mark.parametrize("due_in", [timedelta(hours=-1), timedelta(hours=1)], ids=["due", "not due"])
def test_candidates_read_a_handful_of_index_entries_of_20000(
    statements: Statements, due_in: timedelta
) -> None:
    a_backlog(an_organization(), 20_000)
    some_pointers(20_000, due_in)
    analyze()

    with statements:
        found = select_fairly([S3_POINTER], FlowControls(), 200)

    assert len(found) == (200 if due_in < timedelta(0) else 0)
    (sql,) = statements.data
    plan = explain(sql)
    assert not [line for line in plan if "Sort" in line]
    assert [line for line in plan if "Index" in line and "passport_message_due" in line], plan
    assert read(plan) <= 205, plan
