"""One of those that share a transaction fails: who is to blame, and what becomes of the others."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from passport_events import Discard, Event, RetryLater, handles
from passport_events.handling import batch_transaction
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification
from passport_events.models import (
    MessageAttempt,
    ProcessedMessage,
    SalesforceRecord,
)
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_event,
    an_organization,
    effect,
    now,
    of_each,
    outcome,
    statuses,
    stored,
    the_record,
    work_again,
    written,
)
from tests.harness.notifications import Notifications

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server", "unhurried"),
]


def test_one_that_fails_costs_its_neighbours_nothing(notifications: Notifications) -> None:
    calls: Counter[str] = Counter()

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls[event.fields["Name"]] += 1
        effect(event)
        if event.fields["Name"] == "2":
            raise ValueError

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert [outcome(each)[0] for each in messages] == ["succeeded", "waiting", "succeeded"]
    assert [now(each).attempts for each in messages] == [1, 1, 1]
    assert MessageAttempt.objects.get().message == messages[1]
    assert len(written()) == 2
    # Undone with the second, and called again; who had not been called was called once.
    assert calls == {"1": 2, "2": 2, "3": 1}
    assert the_record(2)["Name"] == "2"
    ended = [facts["message_id"] for stage, facts in notifications if stage is Notification.SUCCEEDED]
    assert ended == [messages[0].pk, messages[2].pk]


def test_the_first_one_needs_no_second_call_to_be_blamed() -> None:
    """No earlier message can be the cause; and RQ's timeout leaves time for one long handler, not two."""
    calls: list[str] = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls.append(event.fields["Name"])
        effect(event)
        if event.fields["Name"] == "1":
            raise Discard("of no interest")

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert calls == ["1", "2", "3"]
    assert outcome(messages[0]) == ("ignored", "of no interest", 1)
    assert statuses() == {"ignored": 1, "succeeded": 2}
    assert len(written()) == 2


@pytest.mark.parametrize(("error", "calls_of_it"), [(ValueError(), 1), (OperationalError(), 2)])
def test_a_slow_one_is_called_again_only_for_what_its_neighbours_may_have_caused(
    monkeypatch: pytest.MonkeyPatch, error: Exception, calls_of_it: int
) -> None:
    calls: Counter[str] = Counter()

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls[event.fields["Name"]] += 1
        if event.fields["Name"] == "2":
            monkeypatch.setattr(batch_transaction, "MAX_SHARED_SECONDS", -1)  # as if it took long
            raise error

    of_each(2)
    work(OPPORTUNITIES)

    assert calls == {"1": 2, "2": calls_of_it}
    assert statuses() == {"succeeded": 1, "waiting": 1}


@pytest.mark.parametrize("error", [ValueError(), RetryLater(timedelta(seconds=1))])
def test_a_message_that_failed_before_has_its_own_transaction(error: Exception) -> None:
    seen = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append(event.fields["Name"])
        transaction.on_commit(lambda: seen.append("committed"))
        if len(seen) == 1:
            raise error

    home = an_organization()
    a_message(home, 1, fields={"Name": "failed"})
    work(OPPORTUNITIES)
    stored(*(an_event(home, number, {"Name": "fresh"}) for number in (2, 3)))
    seen[:] = ["again"]
    work_again()

    assert statuses() == {"succeeded": 3}
    assert seen[1:] == ["failed", "committed", "fresh", "fresh", "committed", "committed"]


def test_an_error_that_one_swallows_does_not_undo_the_others_silently() -> None:
    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if event.fields["Name"] == "1":
            with suppress(DatabaseError):
                effect(event)  # the same name twice

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert [outcome(each)[0] for each in messages] == ["waiting", "succeeded", "succeeded"]
    assert len(written()) == 2


def test_a_constraint_that_fails_at_the_commit_is_the_failure_of_its_message() -> None:
    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if event.fields["Name"] == "2":
            Permission.objects.create(content_type_id=999_999, codename="x", name="x")

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert [outcome(each)[0] for each in messages] == ["succeeded", "waiting", "succeeded"]
    assert (len(written()), Permission.objects.filter(codename="x").count()) == (2, 0)


def test_a_handler_that_changed_its_event_before_a_neighbour_failed_spoils_no_mirror() -> None:
    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        fields: Any = event.fields
        if fields["Name"] == "2":
            raise ValueError
        fields["Name"] = "not what Salesforce said"

    of_each(2)
    work(OPPORTUNITIES)

    assert [the_record(number)["Name"] for number in (1, 2)] == ["1", "2"]


def test_a_row_that_cannot_be_merged_holds_up_no_neighbour() -> None:
    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)

    messages = of_each(3)
    ProcessedMessage.objects.filter(pk=messages[1].pk).update(content={})
    work(OPPORTUNITIES)

    assert [outcome(each)[0] for each in messages] == ["succeeded", "processing", "succeeded"]


@pytest.mark.parametrize("refused", ["1", "2"])
def test_a_database_error_only_in_a_shared_transaction_is_no_failure(refused: str) -> None:
    """As when rows, or records, that neighbours hold would have made a deadlock."""
    calls: list[str] = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls.append(event.fields["Name"])
        effect(event)
        if event.fields["Name"] == refused and calls.count(refused) == 1:
            raise OperationalError("deadlock detected")

    messages = of_each(2)
    work(OPPORTUNITIES)

    assert calls[-2:] == ["1", "2"]
    assert [outcome(each) for each in messages] == [("succeeded", "", 1)] * 2
    assert (MessageAttempt.objects.count(), len(written())) == (0, 2)


@pytest.mark.parametrize("is_usable", [True, False])
def test_a_database_that_fails_outside_of_handlers_is_away_if_it_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
    is_usable: bool,  # noqa: FBT001
) -> None:
    def refuse(*arguments: Any) -> None:
        monkeypatch.setattr(connections["default"], "is_usable", lambda: is_usable)
        raise OperationalError("lock timeout")

    monkeypatch.setattr(batch_transaction, "finish_batch", refuse)
    handles("opportunity", shares_transaction=True)(lambda event, record: effect(event))
    of_each(2)
    with nullcontext() if is_usable else pytest.raises(OperationalError):
        work(OPPORTUNITIES)

    assert statuses() == ({"succeeded": 2} if is_usable else {"waiting": 2})
    assert len(written()) == (2 if is_usable else 0)
    assert ProcessedMessage.objects.due().count() == (0 if is_usable else 2)


@pytest.mark.postgresql
def test_a_connection_that_one_of_them_loses_is_its_own_failure() -> None:
    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if event.fields["Name"] == "2" and event.attempt == 1:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    messages = of_each(3)
    for _ in range(4):
        with suppress(OperationalError):
            work_again()

    assert statuses() == {"succeeded": 3}
    assert [now(each).crashes + now(each).attempts for each in messages] == [1, 2, 1]
    assert len(written()) == 3
