"""A handler that shares its transaction: faster where all goes well, and the same where it does not."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, OperationalError, connection, transaction

from passport_events import Event, RetryLater, handles
from passport_events.event import Change
from passport_events.handling import together
from passport_events.handling.worker import work
from passport_events.models import (
    MessageAttempt,
    ProcessedMessage,
    SalesforceRecord,
    Status,
)
from passport_events.stages import Stage
from passport_events.testing import record_id

from .conftest import Announced, Statements
from .given import (
    OPPORTUNITIES,
    a_message,
    an_event,
    an_organization,
    now,
    outcome,
    statuses,
    stored,
    the_record,
    work_again,
    write,
    written,
)
from .test_alarm import _quiet as _quiet  # noqa: PLC0414  a fixture: the alarm is off afterwards
from .test_alarm import ring

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def of_each(count: int) -> list[ProcessedMessage]:
    """That many messages, each about its own record; its `Name` is its number, from 1."""
    home = an_organization()
    return stored(*(an_event(home, number, {"Name": f"{number}"}) for number in range(1, count + 1)))


def effect(event: Event, *, of: str = "effect") -> None:
    """A row of the host project; twice would be an error."""
    write(f"{of} {event.idempotency_key}")


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


def test_each_gets_its_event_and_its_merged_record_and_all_commit_at_once() -> None:
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


def test_one_that_fails_costs_its_neighbours_nothing() -> None:
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


@pytest.mark.parametrize("error", [ValueError(), RetryLater(timedelta(seconds=1))])
def test_who_failed_before_is_handled_alone(error: Exception) -> None:
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


def test_a_transaction_that_has_lasted_begins_no_other_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first handler wrote is not locked for as long as twenty take."""
    monkeypatch.setattr(together, "SHARED_SECONDS", 0)
    seen = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append(event.fields["Name"])
        transaction.on_commit(lambda: seen.append("committed"))

    messages = of_each(3)
    assert work(OPPORTUNITIES) == 3

    assert seen == ["1", "committed", "2", "committed", "3", "committed"]
    # The others were merged with the first one, and again in their own turn: that leaves no trace.
    assert [now(each).merged for each in messages] == [
        {"wrote": ["Name"], "lost": [], "stale": False} for _ in messages
    ]


def test_a_lease_that_one_of_them_lost_undoes_all_and_the_others_have_their_own_turn(
    announced: Announced,
) -> None:
    stolen: list[int] = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if not stolen and event.fields["Name"] == "3":
            stolen.append(messages[0].pk)
            ProcessedMessage.objects.filter(pk__in=stolen).update(status=Status.WAITING, lease_token=None)

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert Stage.LEASE_LOST not in [stage for stage, _ in announced]
    assert [outcome(each) for each in messages] == [("succeeded", "", 1)] * 3  # the theft was undone too
    assert len(written()) == 3


@pytest.mark.postgresql
def test_a_message_that_another_worker_took_over_has_one_effect(announced: Announced) -> None:
    calls: Counter[str] = Counter()
    given_back: dict[str, Any] = {"status": Status.WAITING, "lease_token": None}

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls[event.fields["Name"]] += 1
        effect(event)
        if calls == {"1": 1, "2": 1}:
            elsewhere(lambda: ProcessedMessage.objects.filter(record_id=event.record_id).update(**given_back))

    messages = of_each(2)
    work(OPPORTUNITIES)

    lost = [facts["message_id"] for stage, facts in announced if stage is Stage.LEASE_LOST]
    assert lost == [messages[1].pk]
    assert outcome(messages[0]) == ("succeeded", "", 1)
    assert len(written()) == 1

    work_again()
    assert statuses() == {"succeeded": 2}
    assert len(written()) == 2


def elsewhere(change: Callable[[], object]) -> None:
    """Do it in a thread, which has a connection of its own."""

    def run() -> None:
        change()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_one_that_hangs_has_failed_and_its_neighbours_are_given_back(passport: Callable[..., None]) -> None:
    passport(TIME_SLICE_SECONDS=0.1)

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if event.fields["Name"] == "2":
            ring(0.2)
            time.sleep(30)

    messages = of_each(3)
    work(OPPORTUNITIES)

    assert MessageAttempt.objects.get().message == messages[1]
    assert outcome(messages[1]) == ("waiting", "rq.timeouts.JobTimeoutException", 1)
    assert the_record(2)["Name"] == "2"
    assert ProcessedMessage.objects.due().filter(attempts=0).count() == 2
    assert written() == []


def test_what_one_left_for_after_the_commit_and_fails_there_undoes_nothing(announced: Announced) -> None:
    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if event.fields["Name"] == "1":
            transaction.on_commit({}.popitem)

    messages = of_each(2)
    work(OPPORTUNITIES)

    assert [outcome(each) for each in messages] == [("succeeded", "", 1)] * 2
    crashed = [facts for stage, facts in announced if stage is Stage.CRASHED]
    assert crashed == [{"message_ids": [each.pk for each in messages], "error_class": "KeyError"}]
    assert Counter(stage for stage, _ in announced)[Stage.SUCCEEDED] == 2


def test_stale_and_incomplete_ones_are_passed_over_among_the_others() -> None:
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


def test_a_constraint_that_breaks_at_the_commit_is_the_failure_of_who_broke_it() -> None:
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


def test_what_the_database_refuses_to_one_among_many_and_not_to_it_alone_is_no_failure() -> None:
    """As when rows that neighbours hold would have made a deadlock."""
    calls: list[str] = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        calls.append(event.fields["Name"])
        effect(event)
        if calls == ["1", "2"]:
            raise OperationalError("deadlock detected")

    messages = of_each(2)
    work(OPPORTUNITIES)

    assert calls == ["1", "2", "1", "2"]
    assert [outcome(each) for each in messages] == [("succeeded", "", 1)] * 2
    assert MessageAttempt.objects.count() == 0


@pytest.mark.postgresql
def test_a_connection_that_one_of_them_loses_is_its_own_failure() -> None:
    lost: list[str] = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if event.fields["Name"] == "2" and len(lost) < 2:
            lost.append("2")
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    of_each(3)
    with suppress(OperationalError):
        work(OPPORTUNITIES)
    assert len(written()) == statuses().get("succeeded", 0)
    for _ in range(3):
        work_again()

    assert statuses() == {"succeeded": 3}
    assert len(written()) == 3
