"""Messages that were held back: of an organization that was not known, or off, or unreadable till today."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django.fixtures import Settings

from passport_events import conf
from passport_events.db.bulk import update_many
from passport_events.event import S3_POINTER
from passport_events.exceptions import NothingToDo, OperationRefused
from passport_events.models import Delivery, Mode, OperatorAction, ProcessedMessage, Status
from passport_events.operating import reprocess as reprocess_module
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import REPROCESS
from passport_events.operating.organizations import find_organization, reprocess_organization
from passport_events.operating.outcomes import count_outcomes
from passport_events.operating.reprocess import preview_reprocess
from passport_events.operating.selection import Selection
from passport_events.receiving import inbox
from passport_events.testing import organization_id, record_id, relay_message
from passport_events.wire.raw_delivery import RawDelivery
from tests.harness.aws import BUCKET
from tests.operating.inbox import HOME, dead, opportunity, organization, pointer, rows, store
from tests.operating.test_passport_command import passport

pytestmark = pytest.mark.django_db


def test_messages_of_an_unknown_organization_are_released_once_it_is_known(ann: Actor) -> None:
    early = [opportunity(number) for number in range(3)]
    other = opportunity(home=organization_id(2))
    home = organization()

    assert reprocess_organization(home, ann) == 3

    assert set(rows(*early).values_list("status", "organization", "reason")) == {
        (Status.WAITING, home.pk, "")
    }
    assert rows(*early).due().count() == 3
    other.refresh_from_db()
    assert other.status == Status.QUARANTINED
    action = OperatorAction.objects.get()
    assert (action.kind, action.organization, action.affected) == ("reprocess", home, 3)


def test_messages_that_were_ignored_while_it_was_off_are_released(ann: Actor) -> None:
    home = organization(mode=Mode.OFF)
    message = opportunity()
    assert (message.status, message.reason) == (Status.IGNORED, "organization_off")
    home.mode = Mode.LIVE
    home.save()

    assert reprocess_organization(home, ann) == 1
    assert reprocess_organization(home, ann) == 0


def test_released_messages_begin_anew(ann: Actor) -> None:
    home = organization()
    message = opportunity()
    rows(message).update(
        status=Status.IGNORED,
        reason="organization_off",
        due_at=None,
        finished_at=timezone.now(),
        attempts=3,
        deferred_since=timezone.now(),
    )
    reprocess_organization(home, ann)

    message.refresh_from_db()
    assert (message.attempts, message.deferred_since) == (0, None)


def test_other_messages_stay(ann: Actor) -> None:
    home = organization()
    message, unreadable = dead(), store(b"?")
    assert reprocess_organization(home, ann) == 0
    assert rows(message, unreadable).filter(status=Status.WAITING).count() == 0


def test_an_organization_that_is_off_is_refused(ann: Actor) -> None:
    home = organization(mode=Mode.OFF)
    with pytest.raises(OperationRefused, match=r"is off\. Set its mode"):
        reprocess_organization(home, ann)


def test_an_organization_is_found_by_either_spelling() -> None:
    home = organization()
    assert find_organization(home.salesforce_id[:15]) == home


@pytest.mark.parametrize(
    ("named", "said"), [("00D", "15 or 18"), (organization_id(9), "Add it in the admin")]
)
def test_an_organization_that_is_not_known_is_refused(named: str, said: str) -> None:
    with pytest.raises(OperationRefused, match=said):
        find_organization(named)


# What was held back for another reason. Case D4.

TASK = record_id("Task", 1)


def held(body: object) -> ProcessedMessage:
    message = store(body)
    assert message.status == Status.QUARANTINED
    return message


def reprocess(ann: Actor, *messages: ProcessedMessage) -> int:
    action = runner.start(REPROCESS, Selection(ids=tuple(message.pk for message in messages)), ann)
    runner.follow(action)
    for message in messages:
        message.refresh_from_db()
    return action.affected


def task(record: str | list[str] = TASK, **about: Any) -> dict[str, Any]:
    about.setdefault("fields", {"Subject": "call"})
    return relay_message("Task", record, organization=HOME, **about)


@pytest.fixture
def tasks_are_known(settings: Settings) -> Callable[[], None]:
    def know() -> None:
        types = {"task": {"entities": ["Task"], "queue": "passport-items"}}
        types = {**conf.DEFAULT_EVENT_TYPES, **types}
        settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "EVENT_TYPES": types}

    return know


def test_an_entity_that_the_settings_cover_now(ann: Actor, tasks_are_known: Callable[[], None]) -> None:
    organization()
    message = held(task())
    raw = bytes(message.delivery.body or b"")
    assert (reprocess(ann, message), message.reason.partition(":")[0]) == (0, "unknown_event_type")
    tasks_are_known()

    assert reprocess(ann, message) == 1

    assert (message.status, message.reason, message.fingerprint) == (Status.WAITING, "", "")
    assert (message.event_type, message.record_id) == ("task", TASK)
    assert message.content["fields"] == {"Subject": "call"}
    assert bytes(message.delivery.body or b"") == raw
    assert rows(message).due().exists()
    assert count_outcomes([OperatorAction.objects.get(affected=1)])


def test_the_same_event_that_comes_again_is_a_duplicate_of_it(
    ann: Actor, tasks_are_known: Callable[[], None]
) -> None:
    organization()
    event = task()
    message = held(event)
    tasks_are_known()
    reprocess(ann, message)

    body = json.dumps(event).encode()
    again = inbox.store([RawDelivery(message_id="again", receipt_handle="", body=body)])

    assert (again.new, again.duplicates, len(again.safe)) == (0, 1, 1)


def test_what_arrived_again_meanwhile_ends_the_message_as_a_duplicate(
    ann: Actor, tasks_are_known: Callable[[], None]
) -> None:
    organization()
    event = task()
    message = held(event)
    tasks_are_known()
    twin = store(event)
    assert twin.status == Status.WAITING

    assert reprocess(ann, message) == 1

    assert (message.status, message.reason) == (Status.IGNORED, f"duplicate of message {twin.pk}")
    assert message.record_id == ""
    assert reprocess_organization(organization(2), ann) == 0


def test_a_delivery_of_several_events_gives_each_a_message(
    ann: Actor, tasks_are_known: Callable[[], None]
) -> None:
    organization()
    others = [record_id("Task", number) for number in (2, 3)]
    message = held(task([TASK, *others]))
    tasks_are_known()

    assert reprocess(ann, message) == 3

    found = ProcessedMessage.objects.filter(delivery=message.delivery_id)
    assert set(found.values_list("record_id", "status")) == {
        (record, Status.WAITING) for record in (TASK, *others)
    }
    action = OperatorAction.objects.get(kind="reprocess", affected=3)
    assert set(found.values_list("last_action", flat=True)) == {action.pk}


def test_of_several_events_those_that_arrived_since_are_not_stored_twice(
    ann: Actor, tasks_are_known: Callable[[], None]
) -> None:
    organization()
    other = record_id("Task", 2)
    event = task([TASK, other])
    message = held(event)
    tasks_are_known()
    inbox.store([RawDelivery(message_id="again", receipt_handle="", body=json.dumps(event).encode())])
    ProcessedMessage.objects.filter(record_id=other).delete()

    assert reprocess(ann, message) == 1

    assert (message.record_id, message.status) == (other, Status.WAITING)
    assert ProcessedMessage.objects.count() == 2


def test_a_bucket_that_is_allowed_now(ann: Actor, settings: Settings) -> None:
    message = pointer()
    assert message.reason.startswith("bucket_not_allowed")
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": [BUCKET]}

    assert reprocess(ann, message) == 1

    assert (message.status, message.event_type) == (Status.WAITING, S3_POINTER)
    assert message.content == {"bucket": BUCKET, "key": "k"}


def test_a_reader_that_had_a_bug(ann: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    organization()
    with monkeypatch.context() as broken:
        broken.setattr(inbox, "parse_delivery", lambda *_: 1 / 0)
        message = opportunity()
    assert message.reason.startswith("reader_failed")

    assert reprocess(ann, message) == 1
    assert (message.status, message.event_type) == (Status.WAITING, "opportunity")
    assert message.delivery.wire_format == "raw+eventbridge-relay-cdc"


def test_attributes_of_a_raw_delivery_are_read_again(ann: Actor, settings: Settings) -> None:
    """The organization stands only there."""
    event = json.dumps({"ChangeEventHeader": task()["detail"]["payload"]["ChangeEventHeader"]}).encode()
    attributes = {"org_id": {"DataType": "String", "StringValue": HOME}}
    organization()
    inbox.store([RawDelivery(message_id="1", receipt_handle="", body=event, message_attributes=attributes)])
    message = ProcessedMessage.objects.get()
    assert message.reason.startswith("unknown_event_type")
    types = {"task": {"entities": ["Task"], "queue": "passport-items"}}
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "EVENT_TYPES": types}

    assert reprocess(ann, message) == 1
    assert message.organization_salesforce_id == HOME


def test_what_still_cannot_be_read_stays_with_the_reason_of_today(ann: Actor, settings: Settings) -> None:
    message = held({"Id": TASK, "x": "y" * 2_000})
    before = message.reason
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "MAX_BODY_BYTES": 1_024}

    assert reprocess(ann, message) == 0

    assert message.status == Status.QUARANTINED
    assert message.reason != before
    assert message.reason.startswith("too_large")
    assert message.last_action is None


def test_a_key_collision_stays_one(ann: Actor) -> None:
    organization()
    event = relay_message("Opportunity", record_id("Opportunity", 1), fields={"Name": "A"}, organization=HOME)
    store(event)
    event["detail"]["payload"]["Name"] = "B"
    message = held(event)
    assert message.reason == "key_collision"

    assert reprocess(ann, message) == 0
    assert message.reason == "key_collision"
    assert ProcessedMessage.objects.count() == 2


def test_what_is_redacted_is_refused_in_a_sentence(ann: Actor) -> None:
    message = held(b"?")
    Delivery.objects.update(body=None)
    with pytest.raises(NothingToDo):
        reprocess(ann, message)
    code, said = passport("reprocess", str(message.pk))
    assert (code, "bytes that can be parsed again" in said) == (2, True)
    assert preview_reprocess(Selection(statuses=(Status.QUARANTINED,))).without_bytes == 1


def test_an_event_whose_delivery_was_erased_for_another_record_is_handled_as_it_was_read(ann: Actor) -> None:
    message = opportunity()
    Delivery.objects.update(body=b"")
    organization()
    assert reprocess(ann, message) == 1
    assert (message.status, message.content["fields"]) == (Status.WAITING, {"Name": "Ada"})


def test_what_the_database_refuses_is_decided_anew_once_and_then_stays(
    ann: Actor, tasks_are_known: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    organization()
    event = task([TASK, record_id("Task", 2)])
    message = held(event)
    tasks_are_known()
    refusals = [IntegrityError("dedup_key"), IntegrityError("dedup_key")]

    def refuse_first(rows: Any, names: Any) -> None:
        if refusals and rows:
            raise refusals.pop()
        update_many(rows, names)

    monkeypatch.setattr(reprocess_module, "update_many", refuse_first)
    assert (reprocess(ann, message), message.reason) == (0, "database_refused")
    refusals.append(IntegrityError("dedup_key"))

    assert reprocess(ann, message) == 2

    keys = ProcessedMessage.objects.values_list("dedup_key", flat=True)
    assert (len(keys), len(set(keys)), message.record_id) == (2, 2, TASK)


def test_a_preview_counts_and_changes_nothing(ann: Actor, tasks_are_known: Callable[[], None]) -> None:
    organization()
    event = task([TASK, record_id("Task", 2)], at_ms=1_000)
    twin = task(TASK, at_ms=2_000)
    messages = [held(event), held(twin), held(b"?"), opportunity(home=organization_id(2))]
    tasks_are_known()
    store(twin)
    before = list(rows(*messages).values())

    code, told = passport("reprocess", "--all", "--preview")

    assert code == 0
    said = told.splitlines()
    assert [said[0], said[1], *sorted(said[2:6]), *said[6:]] == [
        "reprocess: 4 messages would be parsed again",
        "Of the newest 4:",
        "          1  would be waiting",
        "          1  would end as duplicates of events that arrived again",
        "          1  would stay quarantined: invalid_json",
        "          1  would stay quarantined: unknown_organization",
        "          1  would be added, from deliveries of several events",
        "Nothing was changed.",
    ]
    assert list(rows(*messages).values()) == before
    assert json.loads(passport("reprocess", "--all", "--preview", "--json")[1])["messages"] == 4


def test_the_command_says_what_is_still_held_back(tasks_are_known: Callable[[], None]) -> None:
    organization()
    held(task())
    held(b"?")
    tasks_are_known()
    assert passport("reprocess")[0] == 2
    code, said = passport("reprocess", "--all", "--reason", "tasks are known")
    assert code == 1
    assert said.startswith("reprocess: 1 messages reprocessed\n1 are still held.")


@pytest.mark.usefixtures("small_steps")
def test_it_goes_on_in_steps_and_passes_what_stays(ann: Actor, tasks_are_known: Callable[[], None]) -> None:
    organization()
    messages = [held(task(record_id("Task", n))) if n % 2 else held(b"?%d" % n) for n in range(6)]
    tasks_are_known()
    action = runner.start(REPROCESS, Selection(statuses=(Status.QUARANTINED,)), ann, everything=True)
    for _ in range(6):
        runner.run_due_operations()
    action.refresh_from_db()
    assert (action.ended_at is not None, action.affected) == (True, 3)
    assert rows(*messages).filter(status=Status.WAITING).count() == 3
