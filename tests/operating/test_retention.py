"""What is forgotten, and when."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from passport_events import conf
from passport_events.models import (
    Delivery,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceRecord,
    Status,
)
from passport_events.operating import operations, retention
from passport_events.operating.audit_log import Actor
from passport_events.operating.retention import PurgeCounts, Retention, purge
from passport_events.receiving import inbox
from passport_events.testing import record_id, relay_message
from passport_events.wire.raw_delivery import RawDelivery
from tests.operating.inbox import HOME, end, operate, opportunity, organization, rows, store
from tests.operating.test_passport_command import passport

pytestmark = pytest.mark.django_db

RETENTION = Retention.from_settings(conf.get_settings())


def aged(message: ProcessedMessage, days: float) -> ProcessedMessage:
    """As if it had been received, and had ended, so long ago."""
    then = timezone.now() - timedelta(days=days)
    Delivery.objects.filter(messages=message).update(received_at=then)
    rows(message).exclude(finished_at=None).update(finished_at=then)
    return message


def ended(number: int, days: float, status: Status = Status.SUCCEEDED) -> ProcessedMessage:
    return aged(end(opportunity(number), status), days)


def says(message: ProcessedMessage) -> tuple[bool, bool]:
    """Whether the message and its delivery still say something."""
    message.refresh_from_db()
    return bool(message.content), message.delivery.body is not None


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED, Status.DISCARDED])
def test_what_is_over_says_nothing_after_its_days(status: Status) -> None:
    organization()
    old, young = ended(1, 14.1, status), ended(2, 13.9, status)

    purged = purge(RETENTION)

    assert (says(old), says(young)) == ((False, False), (True, True))
    assert (purged.redacted_messages, purged.redacted_deliveries) == (1, 1)
    assert (old.dedup_key, bool(old.content_hash), old.delivery.attributes) == (old.dedup_key, True, {})


@pytest.mark.parametrize("status", [Status.DEAD, Status.QUARANTINED])
def test_what_is_for_a_person_is_kept_for_longer(status: Status) -> None:
    organization()
    message = ended(1, 89, status)
    assert purge(RETENTION) == PurgeCounts()
    assert says(message) == (True, True)

    assert purge(Retention.from_settings(conf.Settings(dead_letter_retention_days=80))).redacted_messages == 1


@pytest.mark.parametrize("status", [Status.WAITING, Status.PROCESSING])
def test_what_nobody_has_ended_is_never_touched(status: Status) -> None:
    organization()
    message = aged(opportunity(1), 1_000)
    if status == Status.PROCESSING:
        rows(message).update(status=status, lease_token="0" * 32)

    assert purge(RETENTION) == PurgeCounts()
    assert says(message) == (True, True)


def test_a_delivery_of_several_records_is_kept_while_one_of_them_needs_it() -> None:
    organization()
    records = [record_id("Opportunity", 1), record_id("Opportunity", 2)]
    store_two = relay_message("Opportunity", records, fields={"Name": "Ada"}, organization=HOME)
    inbox.store([RawDelivery(message_id="1", receipt_handle="", body=json.dumps(store_two).encode())])
    first, second = ProcessedMessage.objects.order_by("record_id")
    aged(end(first, Status.SUCCEEDED), 20)
    aged(end(second, Status.DEAD), 20)

    assert purge(RETENTION) == PurgeCounts()
    rows(second).update(status=Status.SUCCEEDED)
    assert purge(RETENTION).redacted_messages == 2


def test_rows_go_with_their_keys_and_everything_that_hangs_on_them(ann: Actor) -> None:
    organization()
    message, other = ended(1, 0, Status.DEAD), ended(2, 89)
    MessageAttempt.objects.create(
        message=message, generation=0, number=1, outcome="dead", ended_at=timezone.now()
    )
    operate(operations.DISCARD, rows(message), ann, "test data")
    aged(message, 90.1)

    purged = purge(RETENTION)

    assert (purged.deleted_messages, purged.deleted_deliveries) == (1, 1)
    assert ProcessedMessage.objects.get() == other
    assert Delivery.objects.count() == 1
    assert not MessageAttempt.objects.exists()


def test_a_delivery_without_messages_goes_too() -> None:
    organization()
    message = ended(1, 91)
    rows(message).delete()
    assert purge(RETENTION).deleted_deliveries == 1


def test_deleted_records_leave_the_mirror_and_others_stay() -> None:
    home = organization()
    for number, is_deleted in ((1, True), (2, False), (3, True)):
        SalesforceRecord.objects.create(
            organization=home,
            entity="Opportunity",
            record_id=record_id("Opportunity", number),
            is_deleted=is_deleted,
        )
    old = timezone.now() - timedelta(days=91)
    SalesforceRecord.objects.exclude(record_id=record_id("Opportunity", 3)).update(updated_at=old)

    assert purge(RETENTION).deleted_records == 1
    assert SalesforceRecord.objects.filter(is_deleted=True).count() == 1


def test_it_goes_in_steps_that_commit_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    organization()
    for number in range(5):
        ended(number, 20)
    monkeypatch.setattr(retention, "MAX_STEP_DELIVERIES", 2)
    seen: list[int] = []

    assert purge(RETENTION, lambda purged: seen.append(purged.redacted_messages)).redacted_messages == 5
    assert seen == [2, 4, 5]
    assert purge(RETENTION) == PurgeCounts()


def test_the_command_reports_what_is_gone() -> None:
    organization()
    ended(1, 20)
    counts = (
        "redacted_deliveries=1 redacted_messages=1 deleted_deliveries=0 deleted_messages=0 deleted_records=0"
    )
    assert passport("purge") == (0, f"purge: {counts} app_rows=0\n")
    assert json.loads(passport("purge", "--json")[1])["redacted_messages"] == 0


def test_a_key_outlives_what_its_message_says(settings: Any) -> None:
    organization()
    event = relay_message(
        "Opportunity", record_id("Opportunity", 1), fields={"Name": "Ada"}, organization=HOME
    )
    aged(end(store(event), Status.SUCCEEDED), 20)
    purge(RETENTION)

    again = inbox.store([RawDelivery(message_id="again", receipt_handle="", body=json.dumps(event).encode())])

    assert (again.new, again.duplicates, len(again.safe)) == (0, 1, 1)
    assert OperatorAction.objects.count() == 0
