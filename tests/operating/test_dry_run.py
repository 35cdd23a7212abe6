"""Running handlers against real messages, and undoing it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from passport_events.event import Event
from passport_events.exceptions import Discard, Reject, RetryLater
from passport_events.handling.jobs import work_on_queue
from passport_events.handling.registry import get_handlers, handles
from passport_events.models import (
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceRecord,
    Status,
)
from passport_events.operating.audit_log import Actor
from passport_events.operating.dry_run import NOT_RUN, DryRunMessage, execute_dry_run
from passport_events.operating.selection import Selection
from project.embedded import ValkeyServer
from tests.operating.inbox import dead, opportunity, organization
from tests.operating.test_passport_command import passport

# Real commits: a rehearsal that left something would leave it for good.
pytestmark = pytest.mark.django_db(transaction=True)
OPPORTUNITIES = Selection(event_type="opportunity")
HandlerFunction = Callable[[Event, SalesforceRecord], object]
Install = Callable[[HandlerFunction], None]


@pytest.fixture
def install(redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install(f)`: f handles opportunities from now on."""

    def put(function: HandlerFunction) -> None:
        monkeypatch.setattr("passport_events.handling.registry._handlers", {})
        handles("opportunity")(function)

    monkeypatch.setattr("passport_events.handling.registry._handlers", dict(get_handlers()))
    return put


def nothing(event: Event, record: SalesforceRecord) -> None: ...


def everything() -> list[object]:
    """All that a rehearsal could have changed."""
    tables = (ProcessedMessage, SalesforceRecord, MessageAttempt, Group)
    return [list(model.objects.order_by("pk").values()) for model in tables]


def only(ann: Actor) -> DryRunMessage:
    """Rehearse one message, and see that nothing is left of it."""
    before = everything()
    (found,) = execute_dry_run(OPPORTUNITIES, ann).messages
    assert everything() == before
    assert not connection.in_atomic_block
    return found


def test_what_a_handler_writes_is_counted_and_undone(ann: Actor, install: Install) -> None:
    organization()
    opportunity()
    Group.objects.create(name="before")
    Group.objects.create(name="doomed")
    install(nothing)
    work_on_queue("passport-opportunities")

    def enrol(event: Event, record: SalesforceRecord) -> None:
        Group.objects.create(name=f"new {record['Name']}")
        group = Group.objects.get(name="before")
        group.name = "after"
        group.save()
        Group.objects.filter(name="doomed").delete()

    install(enrol)
    found = only(ann)

    assert (found.result, found.previous_result, found.is_different) == ("succeeded", "succeeded", True)
    assert found.writes.rows["auth_group", "INSERT"] == 1
    assert found.writes.rows["auth_group", "UPDATE"] == 1
    assert found.writes.rows["auth_group", "DELETE"] == 1
    assert (found.writes.created, found.writes.changed) == ({"auth.Group": 1}, {"auth.Group": {"name"}})
    assert "Ada" not in repr(found)


def test_writing_what_is_there_already_is_no_difference(ann: Actor, install: Install) -> None:
    organization()
    opportunity()

    def enrol(event: Event, record: SalesforceRecord) -> None:
        group, _ = Group.objects.get_or_create(name="same")
        group.save()

    install(enrol)
    work_on_queue("passport-opportunities")

    found = only(ann)

    assert (found.writes.unchanged, found.is_different) == (1, False)


@pytest.mark.parametrize(
    ("before", "after", "is_different"),
    [
        (1, True, True),
        ([0], [False], True),
        ({"a": True}, {"a": 1}, True),
        (1, 1, False),
        ([1.5], [1.5], False),
    ],
)
def test_true_in_place_of_one_is_a_difference(
    before: object, after: object, ann: Actor, install: Install, *, is_different: bool
) -> None:
    """Python takes them for equal, and a column of JSON holds another value afterwards."""
    organization()
    opportunity()
    row = OperatorAction.objects.create(kind="note", actor_name="ann", selection={"it": before})
    install(nothing)
    work_on_queue("passport-opportunities")

    def change(event: Event, record: SalesforceRecord) -> None:
        row.selection = {"it": after}
        row.save()

    install(change)
    found = only(ann)

    assert (bool(found.writes.changed), found.is_different) == (is_different, is_different)


def test_what_waits_for_a_commit_never_runs(ann: Actor, install: Install) -> None:
    organization()
    dead()
    ran: list[str] = []

    def mail(event: Event, record: SalesforceRecord) -> None:
        transaction.on_commit(lambda: ran.append("plain"))
        transaction.on_commit(lambda: ran.append("robust"), robust=True)

    install(mail)
    found = only(ann)
    Group.objects.create(name="a commit of somebody else")

    assert (found.result, found.previous_result, found.is_different) == ("succeeded", "dead", True)
    assert ran == []


def _raise(error: BaseException) -> HandlerFunction:
    def fail(event: Event, record: SalesforceRecord) -> None:
        Group.objects.create(name="undone")
        raise error

    return fail


def _refuse(event: Event, record: SalesforceRecord) -> None:
    raise ValueError("no program")


@pytest.mark.parametrize(
    ("error", "would"),
    [
        (ValueError("no fee for Ada Lovelace"), Status.WAITING),
        (RetryLater(5), Status.WAITING),
        (Reject("never"), Status.DEAD),
        (Discard("not ours"), Status.IGNORED),
        # Case B7: one that is no Exception must not end the command or the web process.
        (SystemExit("Ada Lovelace"), Status.WAITING),
        (KeyboardInterrupt(), Status.WAITING),
        (ExceptionGroup("Ada Lovelace", [Reject("Lovelace")]), Status.DEAD),
    ],
)
def test_an_error_is_named_without_values_and_undone(
    ann: Actor, install: Install, error: BaseException, would: Status
) -> None:
    organization()
    dead(fields={"Name": "Ada Lovelace"})
    install(_raise(error))

    found = only(ann)

    assert (found.result, type(error).__name__ in found.reason) == (would, True)
    assert "Lovelace" not in found.reason
    assert not found.writes.rows


@pytest.mark.parametrize("statement", ["COMMIT", "END", "ROLLBACK", " commit;", "SELECT 1; COMMIT"])
def test_a_handler_cannot_end_the_transaction(ann: Actor, install: Install, statement: str) -> None:
    organization()
    dead()

    def escape(event: Event, record: SalesforceRecord) -> None:
        Group.objects.create(name="escaped")
        with connection.cursor() as cursor:
            cursor.execute(statement)

    install(escape)
    found = only(ann)
    assert (found.result, "OperationRefused" in found.reason) == (Status.WAITING, True)


def test_a_swallowed_database_error_is_told_as_a_worker_tells_it(ann: Actor, install: Install) -> None:
    organization()
    dead()
    Group.objects.create(name="taken")

    def swallow(event: Event, record: SalesforceRecord) -> None:
        try:
            Group.objects.create(name="taken")
        except Exception:  # noqa: BLE001  what handlers do
            return

    install(swallow)
    assert "TransactionManagementError" in only(ann).reason


def test_a_handler_with_a_prepare_is_not_rehearsed(
    ann: Actor, redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization()
    dead()
    called: list[object] = []
    monkeypatch.setattr("passport_events.handling.registry._handlers", {})
    handles("opportunity", prepare=called.append)(nothing)

    found = only(ann)

    assert (found.result, "has a prepare" in found.reason, called) == (NOT_RUN, True, [])


def test_the_newest_are_rehearsed_as_a_replay_would_run_them(ann: Actor, install: Install) -> None:
    organization()
    messages = [dead(number) for number in range(3)]
    seen: list[Event] = []
    install(lambda event, record: seen.append(event))

    found = execute_dry_run(OPPORTUNITIES, ann, 2)

    assert [each.message for each in found.messages] == [messages[2].pk, messages[1].pk]
    assert {(event.generation, event.attempt) for event in seen} == {(1, 1)}
    assert (found.different, found.is_cut) == (2, False)
    action = OperatorAction.objects.get()
    assert (action.kind, action.affected, action.selection) == ("rehearse", 2, OPPORTUNITIES.to_json())


def test_the_command_says_what_would_differ(install: Install) -> None:
    organization()
    dead(1)
    install(_refuse)
    code, said = passport("replay", "--event-type", "opportunity", "--status", "dead", "--dry-run", "5")
    assert code == 0
    assert "waiting builtins.ValueError: no program; was dead retries used up" in said
    assert "1 messages, 1 would differ" in said
    report = json.loads(
        passport("replay", "--event-type", "opportunity", "--status", "dead", "--dry-run", "5", "--json")[1]
    )
    assert report["messages"][0]["result"] == "waiting"
