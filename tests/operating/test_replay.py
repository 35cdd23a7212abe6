"""Running again what has ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from passport_events.event import Event
from passport_events.exceptions import NothingToDo, OperationRefused
from passport_events.handling.jobs import work_on_queue
from passport_events.handling.registry import get_handlers, handles
from passport_events.models import Mode, OperatorAction, ProcessedMessage, SalesforceRecord, Status
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import REPLAY
from passport_events.operating.replay import preview_replay
from passport_events.operating.selection import Selection
from passport_events.testing import organization_id
from project.embedded import ValkeyServer
from tests.operating.inbox import end, opportunity, organization, rows, store
from tests.operating.test_passport_command import passport

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SUCCEEDED = (Status.SUCCEEDED,)
OPPORTUNITIES = Selection(event_type="opportunity", statuses=SUCCEEDED)


def replay(selection: Selection, actor: Actor, reason: str) -> int:
    """Replay to the end; how many."""
    return runner.follow(runner.start(REPLAY, selection, actor, reason)).affected


def succeeded(number: int = 1, **about: Any) -> ProcessedMessage:
    return end(opportunity(number, **about), Status.SUCCEEDED)


@pytest.fixture
def seen(redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What a handler of opportunities is called with."""
    calls: list[Event] = []
    monkeypatch.setattr("passport_events.handling.registry._handlers", dict(get_handlers()))

    @handles("opportunity")
    def keep(event: Event, record: SalesforceRecord) -> None:
        calls.append(event)

    return calls


def test_a_succeeded_message_runs_again_under_another_key(seen: list[Event], ann: Actor) -> None:
    organization()
    message = opportunity()
    work_on_queue("passport-opportunities")

    assert replay(OPPORTUNITIES, ann, "41 forgot the fee") == 1
    work_on_queue("passport-opportunities")

    message.refresh_from_db()
    assert (message.status, message.generation, message.attempts) == (Status.SUCCEEDED, 1, 1)
    first, second = (event.idempotency_key for event in seen)
    assert first.removesuffix(":0") == second.removesuffix(":1")
    action = OperatorAction.objects.get()
    assert (action.kind, action.actor_name, action.reason, action.affected) == (
        "replay",
        "ann",
        "41 forgot the fee",
        1,
    )


def test_what_came_after_is_still_newer_for_the_handler(seen: list[Event], ann: Actor) -> None:
    organization()
    old = opportunity(at_ms=1_000, change="UPDATE", fields={"Name": "old"})
    opportunity(at_ms=2_000, change="UPDATE", fields={"Name": "new"})
    work_on_queue("passport-opportunities")
    record = SalesforceRecord.objects.get()
    fields = record.fields

    replay(Selection(record_id=old.record_id, until=timezone.now(), statuses=SUCCEEDED), ann, "again")
    work_on_queue("passport-opportunities")

    record.refresh_from_db()
    assert record.fields == fields == {"Name": "new"}
    assert [event.is_stale for event in seen] == [False, False, True, False]


def test_of_one_organization_only_its_own_messages_are_taken(ann: Actor) -> None:
    here, there = organization(1), organization(2)
    mine, theirs = succeeded(1), succeeded(2, home=organization_id(2))

    assert replay(Selection(organization=there.salesforce_id), ann, "again") == 1

    assert set(rows(mine, theirs).values_list("organization", "generation")) == {(here.pk, 0), (there.pk, 1)}


@pytest.mark.parametrize("status", [Status.WAITING, Status.PROCESSING, Status.QUARANTINED, Status.DISCARDED])
def test_a_message_that_no_worker_ended_is_left_as_it_is(ann: Actor, status: Status) -> None:
    organization()
    message = opportunity()
    if status == Status.PROCESSING:
        rows(message).update(status=status, lease_token="6f9619ff-8b86-d011-b42d-00cf4fc964ff")
    elif status != Status.WAITING:
        end(message, status)
    with pytest.raises(NothingToDo):
        runner.start(REPLAY, Selection(record_id=message.record_id), ann, "again")
    assert rows(message).get().generation == 0


def test_what_was_redacted_stays_and_is_counted(ann: Actor) -> None:
    organization()
    message, redacted = succeeded(1), succeeded(2)
    rows(redacted).update(content={})

    assert (preview_replay(OPPORTUNITIES).messages, preview_replay(OPPORTUNITIES).redacted) == (1, 1)
    assert replay(OPPORTUNITIES, ann, "again") == 1
    assert rows(message, redacted).filter(status=Status.WAITING).get() == message


def test_a_preview_says_how_many_and_which_handlers_would_not_run(seen: list[Event]) -> None:
    organization(1, mode=Mode.SHADOW)
    organization(2)
    early, late = succeeded(1), succeeded(2, home=organization_id(2))
    rows(early).update(finished_at=datetime(2026, 1, 1, tzinfo=UTC))
    rows(late).update(finished_at=datetime(2026, 1, 2, tzinfo=UTC), event_type="item")

    found = preview_replay(Selection(until=timezone.now()))

    assert found.by_type == {"item": 1, "opportunity": 1}
    assert (found.without_handler, found.not_live) == (("item",), (organization_id(1),))
    assert found.last is not None
    assert found.first is not None
    assert found.last - found.first == timedelta(days=1)
    assert rows(early, late).filter(status=Status.WAITING).count() == 0


def test_a_delivery_that_was_never_read_cannot_be_replayed(ann: Actor) -> None:
    organization()
    rows(store(b"?")).update(status=Status.IGNORED)
    with pytest.raises(NothingToDo):
        runner.start(REPLAY, Selection(statuses=(Status.IGNORED,), since=LONG_AGO), ann, "again")


def test_everything_that_ever_succeeded_is_hardly_meant(ann: Actor) -> None:
    organization()
    succeeded()
    with pytest.raises(OperationRefused, match="add a filter"):
        runner.start(REPLAY, Selection(statuses=SUCCEEDED), ann, "again")


def test_the_command_says_what_it_would_do_and_does_it_when_told(redis_server: ValkeyServer) -> None:
    organization()
    message = succeeded()

    code, said = passport("replay", "--event-type", "opportunity")
    assert (code, "1 messages would run again" in said, "--yes" in said) == (0, True, True)
    assert rows(message).get().status == Status.SUCCEEDED
    assert passport("replay", "--event-type", "opportunity", "--yes")[1] == (
        "passport replay: --reason is required.\n"
    )
    assert passport("replay", "--event-type", "opportunity", "--yes", "--reason", "x") == (
        0,
        "replay: 1 requeued\n",
    )
    assert rows(message).get().generation == 1
    assert passport("replay", "--event-type", "opportunity", "--yes", "--reason", "x")[0] == 1


def test_the_command_refuses_to_replay_everything() -> None:
    code, said = passport("replay", "--yes", "--reason", "x")
    assert (code, said) == (2, "passport replay: Refusing to replay everything: add a filter.\n")


def test_the_command_reports_as_json(redis_server: ValkeyServer) -> None:
    organization()
    succeeded()
    report = json.loads(passport("replay", "--since", "2026-01-01", "--json")[1])
    assert (report["messages"], report["by_type"], report["without_handler"]) == (
        1,
        {"opportunity": 1},
        ["opportunity"],
    )
    done = json.loads(passport("replay", "--since", "2026-01-01", "--yes", "--reason", "x", "--json")[1])
    assert (done["kind"], done["progress"], done["affected"]) == ("replay", "done", 1)
