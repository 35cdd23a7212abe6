"""A shared transaction has the same result as single ones, at lower cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from passport_events import Event, handles
from passport_events.event import Change
from passport_events.handling import batch, batch_transaction
from passport_events.handling.batch import MergedMessage
from passport_events.handling.claim import claim_batch
from passport_events.handling.worker import TimeBudget, process_claim, work
from passport_events.instrumentation import Notification
from passport_events.models import (
    ProcessedMessage,
    SalesforceRecord,
)
from passport_events.testing import record_id
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_event,
    an_organization,
    effect,
    now,
    of_each,
    outcome,
    stored,
    written,
)
from tests.harness.notifications import Notifications

from .conftest import Statements

if TYPE_CHECKING:
    from passport_events.handling.locks import RecordLocks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server", "unhurried"),
]


def test_twenty_cost_as_many_statements_as_two(statements: Statements) -> None:
    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        """Nothing."""

    counts = []
    home = an_organization()
    for first, count in ((0, 2), (2, 20)):
        stored(*(an_event(home, first + number) for number in range(count)))
        with statements:
            assert work(OPPORTUNITIES) == count
        counts.append(len(statements.data))

    assert counts[0] == counts[1]
    assert set(ProcessedMessage.objects.values_list("status", "attempts")) == {("succeeded", 1)}


def test_each_gets_its_event_and_its_merged_record_and_all_commit_at_once(
    notifications: Notifications,
) -> None:
    seen: list[Any] = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append((event.fields["Name"], record["Name"], event.attempt, event.is_stale))
        # The row is as far as the record.
        assert SalesforceRecord.objects.get(pk=record.pk).fields == record.fields
        transaction.on_commit(lambda: seen.append("committed"))
        effect(event)

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert seen == [("1", "1", 1, False), ("2", "2", 1, False), ("3", "3", 1, False), *["committed"] * 3]
    assert [outcome(each) for each in messages] == [("succeeded", "", 1)] * 3
    assert [now(each).merged["wrote"] for each in messages] == [["Name"]] * 3
    for which in (Notification.STARTED, Notification.SUCCEEDED):
        assert [facts["message_id"] for stage, facts in notifications if stage is which] == [
            each.pk for each in messages
        ]
    assert len(written()) == 3


def test_a_records_own_messages_are_handled_in_order_each_with_the_record_as_it_left_it() -> None:
    seen = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append((event.record_id, record["Name"]))

    home = an_organization()
    stored(
        *(
            an_event(home, number, {"Name": f"{at}"}, change=Change.UPDATED, at=at)
            for number in (1, 2)
            for at in (1, 2, 3)
        )
    )
    work(OPPORTUNITIES)

    for number in (1, 2):
        own = [name for record, name in seen if record == record_id("Opportunity", number)]
        assert own == ["1", "2", "3"]


def test_an_old_transaction_starts_no_other_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first handler wrote is not locked for as long as twenty take."""
    monkeypatch.setattr(batch_transaction, "MAX_SHARED_SECONDS", -1)
    merged_together = []

    def merge(messages: Iterable[ProcessedMessage]) -> list[MergedMessage]:
        messages = list(messages)
        merged_together.append(len(messages))
        return batch.merge_messages(messages)

    monkeypatch.setattr(batch_transaction, "merge_messages", merge)
    seen = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append(event.fields["Name"])
        transaction.on_commit(lambda: seen.append("committed"))

    messages = of_each(3)
    assert work(OPPORTUNITIES) == 3

    assert seen == ["1", "committed", "2", "committed", "3", "committed"]
    # The others were merged with the first one, and again in their own transaction, without a trace.
    assert [now(each).merged for each in messages] == [
        {"wrote": ["Name"], "lost": [], "stale": False} for _ in messages
    ]
    # Slow messages continue one by one.
    assert merged_together == [3]


@pytest.mark.parametrize("is_over", [False, True])
def test_the_time_budget_is_checked_between_transactions(
    locks: RecordLocks,
    is_over: bool,  # noqa: FBT001
) -> None:
    budget = TimeBudget(60)

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        if is_over:
            budget._end = 0.0

    of_each(30)
    done = process_claim(claim_batch(["opportunity"], locks), locks, budget)

    assert done == (20 if is_over else 30)
    assert ProcessedMessage.objects.due().count() == 30 - done


def test_stale_and_incomplete_ones_are_passed_over_among_the_others(notifications: Notifications) -> None:
    seen = []

    @handles("opportunity", shares_transaction=True, latest_only=True, needs_complete=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append(event.record_id)

    home = an_organization()
    newer = a_message(home, 1, at=2)
    work(OPPORTUNITIES)
    stale, incomplete, fine = stored(
        an_event(home, 1, change=Change.UPDATED, at=1),
        an_event(home, 2, change=Change.UPDATED),
        an_event(home, 3),
    )
    work(OPPORTUNITIES)

    assert [outcome(each) for each in (newer, stale, incomplete, fine)] == [
        ("succeeded", "", 1),
        ("superseded", "newer_data", 1),
        ("waiting", "needs_complete", 0),
        ("succeeded", "", 1),
    ]
    assert seen == [record_id("Opportunity", number) for number in (1, 3)]
    ended = {
        facts["message_id"]: stage
        for stage, facts in notifications
        if stage in (Notification.SUCCEEDED, Notification.SUPERSEDED)
    }
    assert ended == {
        newer.pk: Notification.SUCCEEDED,
        stale.pk: Notification.SUPERSEDED,
        fine.pk: Notification.SUCCEEDED,
    }


def test_a_late_event_is_told_so() -> None:
    seen = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append((event.record_id[14], event.is_stale))

    home = an_organization()
    a_message(home, 1, at=2)
    work(OPPORTUNITIES)
    seen.clear()
    stored(an_event(home, 1, change=Change.UPDATED, at=1), an_event(home, 2))
    work(OPPORTUNITIES)

    assert seen == [("1", True), ("2", False)]
