"""A handler that shares its transaction: faster where all goes well, and the same where it does not."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from rq.timeouts import JobTimeoutException

from passport_events import Discard, Event, RetryLater, handles
from passport_events.event import Change
from passport_events.handling import merging, together
from passport_events.handling.claim import claim_batch
from passport_events.handling.merging import MergedMessage
from passport_events.handling.time_slice import TimeSlice
from passport_events.handling.worker import work, work_on
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

if TYPE_CHECKING:
    from passport_events.handling.locks import RecordLocks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause of this machine ends a transaction early."""
    monkeypatch.setattr(together, "SHARED_SECONDS", 60)


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


def test_one_that_fails_costs_its_neighbours_nothing(announced: Announced) -> None:
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
    ended = [facts["message_id"] for stage, facts in announced if stage is Stage.SUCCEEDED]
    assert ended == [messages[0].pk, messages[2].pk]


def test_the_first_one_needs_no_second_call_to_be_blamed() -> None:
    """Nobody before it can have made it fail; and RQ's alarm leaves time for one long handler, not two."""
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
            monkeypatch.setattr(together, "SHARED_SECONDS", -1)  # as if it took long
            raise error

    of_each(2)
    work(OPPORTUNITIES)

    assert calls == {"1": 2, "2": calls_of_it}
    assert statuses() == {"succeeded": 1, "waiting": 1}


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
    monkeypatch.setattr(together, "SHARED_SECONDS", -1)
    merged_together = []

    def merge_all(messages: Iterable[ProcessedMessage]) -> list[MergedMessage]:
        messages = list(messages)
        merged_together.append(len(messages))
        return merging.merge_all(messages)

    monkeypatch.setattr(together, "merge_all", merge_all)
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
    # Who is too slow for company goes on without.
    assert merged_together == [3]


@pytest.mark.parametrize("is_over", [False, True])
def test_the_end_of_the_time_slice_is_looked_for_between_transactions(
    locks: RecordLocks,
    is_over: bool,  # noqa: FBT001
) -> None:
    slices = TimeSlice(60)

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        if is_over:
            slices._end = 0.0

    of_each(30)
    done = work_on(claim_batch(["opportunity"], locks), locks, slices)

    assert done == (20 if is_over else 30)
    assert ProcessedMessage.objects.due().count() == 30 - done


@pytest.mark.postgresql
def test_the_lease_is_renewed_while_a_handler_runs_behind_one_that_waits() -> None:
    """Given a message that is put back, when the next one takes long, no row of the claim is locked."""
    renewed = []

    @handles("opportunity", shares_transaction=True, needs_complete=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        elsewhere(renew)

    def renew() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        token = ProcessedMessage.objects.values_list("lease_token", flat=True)[0]
        assert token is not None
        renewed.append(ProcessedMessage.objects.renew(token, timedelta(seconds=60)))

    home = an_organization()
    stored(an_event(home, 1, change=Change.UPDATED), *(an_event(home, number) for number in (2, 3)))
    work(OPPORTUNITIES)

    assert renewed == [3, 3]
    assert statuses() == {"succeeded": 2, "waiting": 1}


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


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_one_that_hangs_has_failed_and_its_neighbours_are_given_back(
    locks: RecordLocks,
    is_wrapped: bool,  # noqa: FBT001
) -> None:
    calls = []

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        calls.append(event.fields["Name"])
        if event.fields["Name"] == "2":
            try:
                ring(0.1)
                time.sleep(30)
            except JobTimeoutException as alarm:
                raise RuntimeError from (alarm if is_wrapped else None)
            raise AssertionError

    messages = of_each(3)
    done = work_on(claim_batch(["opportunity"], locks), locks, TimeSlice(60))

    # Whatever a library makes of the alarm: there is no other one in this job.
    assert (done, calls) == (1, ["1", "2"])
    assert MessageAttempt.objects.get().message == messages[1]
    assert outcome(messages[1])[::2] == ("waiting", 1)
    assert the_record(2)["Name"] == "2"
    assert ProcessedMessage.objects.due().filter(attempts=0).count() == 2
    assert written() == []


def test_an_alarm_outside_of_a_handler_isolates_those_in_hand(
    locks: RecordLocks, monkeypatch: pytest.MonkeyPatch, announced: Announced
) -> None:
    """As when a record is locked by somebody else: given back, they would all wait for it again."""

    def wait(*arguments: Any) -> None:
        raise JobTimeoutException

    monkeypatch.setattr(together, "merge_all", wait)
    handles("opportunity", shares_transaction=True)(lambda event, record: None)
    messages = of_each(22)
    done = work_on(claim_batch(["opportunity"], locks), locks, TimeSlice(60))

    assert done == 20
    assert statuses() == {"processing": 20, "waiting": 2}
    crashed = [facts["message_ids"] for stage, facts in announced if stage is Stage.CRASHED]
    assert crashed == [[each.pk for each in messages[:20]]]


@pytest.mark.parametrize("rings", [False, True])
def test_what_one_left_for_after_the_commit_and_fails_there_undoes_nothing(
    locks: RecordLocks,
    announced: Announced,
    rings: bool,  # noqa: FBT001
) -> None:
    def fail() -> None:
        raise JobTimeoutException if rings else KeyError

    @handles("opportunity", shares_transaction=True)
    def handler(event: Event, record: SalesforceRecord) -> None:
        effect(event)
        if event.fields["Name"] == "1":
            transaction.on_commit(fail)

    messages = of_each(22)
    done = work_on(claim_batch(["opportunity"], locks), locks, TimeSlice(60))

    # After the alarm nothing else begins in this job.
    assert done == (20 if rings else 22)
    assert {outcome(each) for each in messages[:20]} == {("succeeded", "", 1)}
    [crashed] = [facts["message_ids"] for stage, facts in announced if stage is Stage.CRASHED]
    assert crashed == [each.pk for each in messages[:20]]
    assert Counter(stage for stage, _ in announced)[Stage.SUCCEEDED] == done


def test_stale_and_incomplete_ones_are_passed_over_among_the_others(announced: Announced) -> None:
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
        for stage, facts in announced
        if stage in (Stage.SUCCEEDED, Stage.SUPERSEDED)
    }
    assert ended == {newer.pk: Stage.SUCCEEDED, stale.pk: Stage.SUPERSEDED, fine.pk: Stage.SUCCEEDED}


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


@pytest.mark.parametrize("is_usable", [True, False])
def test_a_database_that_fails_outside_of_handlers_is_away_if_it_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
    is_usable: bool,  # noqa: FBT001
) -> None:
    def refuse(*arguments: Any) -> None:
        monkeypatch.setattr(connections["default"], "is_usable", lambda: is_usable)
        raise OperationalError("lock timeout")

    monkeypatch.setattr(together, "finish_batch", refuse)
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
