"""Erasing one record."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from passport_events.exceptions import OperationRefused
from passport_events.handling.jobs import work_on_queue
from passport_events.models import (
    Delivery,
    MessageAttempt,
    OperatorAction,
    ProcessedMessage,
    SalesforceRecord,
)
from passport_events.operating.audit_log import Actor
from passport_events.operating.erasure import ErasureCounts, erase
from passport_events.receiving import inbox
from passport_events.testing import organization_id, record_id, relay_message
from passport_events.wire.raw_delivery import RawDelivery
from project.embedded import ValkeyServer
from tests.operating.inbox import HOME, dead, opportunity, organization, rows, store
from tests.operating.test_passport_command import passport

pytestmark = pytest.mark.django_db

RECORD = record_id("Opportunity", 1)


def test_nothing_of_the_record_is_left_and_everything_of_others(
    redis_server: ValkeyServer, ann: Actor
) -> None:
    home = organization()
    event = relay_message("Opportunity", RECORD, fields={"Name": "Ada"}, organization=HOME)
    mine, other = store(event), opportunity(2)
    work_on_queue("passport-opportunities")
    MessageAttempt.objects.create(
        message=mine, generation=0, number=1, outcome="retry", error="Ada", ended_at=timezone.now()
    )

    assert erase(HOME, RECORD, ann, "request 17") == ErasureCounts(
        records=1, messages=1, deliveries=1, operations=0
    )

    mine.refresh_from_db()
    assert (mine.content, mine.delivery.body, mine.failures.get().error) == ({}, None, "")
    assert SalesforceRecord.objects.get().record_id == other.record_id
    assert ProcessedMessage.objects.get(pk=other.pk).content["fields"] == {"Name": "Ada"}
    action = OperatorAction.objects.get()
    assert (action.kind, action.reason, action.organization, action.affected) == (
        "erase",
        "request 17",
        home,
        2,
    )
    body = json.dumps(event).encode()
    assert inbox.store([RawDelivery(message_id="again", receipt_handle="", body=body)]).new == 0


def test_what_still_waits_is_discarded(ann: Actor) -> None:
    message = opportunity(1)
    assert message.status == "quarantined"
    organization()
    waiting, letter = opportunity(1, at_ms=1_000), dead(1, at_ms=2_000)

    assert erase(HOME, RECORD, ann, "x").messages == 3

    assert list(rows(message, waiting, letter).order_by("pk").values_list("status", "content")) == [
        ("quarantined", {}),
        ("discarded", {}),
        ("dead", {}),
    ]


def test_a_message_that_a_worker_holds_is_a_reason_to_wait(ann: Actor) -> None:
    organization()
    message = opportunity(1)
    rows(message).update(status="processing", lease_token="0" * 32)
    with pytest.raises(OperationRefused, match="Try again"):
        erase(HOME, RECORD, ann, "x")
    assert Delivery.objects.get().body is not None


def test_a_record_of_the_same_id_in_another_organization_stays(ann: Actor) -> None:
    organization(1)
    there = organization(2)
    opportunity(1)
    assert erase(there.salesforce_id, RECORD, ann, "x") == ErasureCounts(0, 0, 0, 0)
    assert not OperatorAction.objects.exists()


def test_the_command_asks_for_organization_and_reason() -> None:
    organization()
    opportunity(1)
    code, said = passport("erase", RECORD)
    assert (code, "--organization is required" in said) == (2, True)
    code, said = passport("erase", RECORD, "--organization", organization_id(1))
    assert (code, "--reason is required" in said) == (2, True)
    counted = passport("erase", RECORD, "--organization", organization_id(1), "--preview")
    assert counted == (0, "erase (preview): records=0 messages=1 deliveries=1 operations=0 app_rows=0\n")
    assert Delivery.objects.get().body
    named = ("erase", RECORD[:15], "--organization", organization_id(1), "--reason", "request 17")
    assert passport(*named) == (0, "erase: records=0 messages=1 deliveries=1 operations=0 app_rows=0\n")
