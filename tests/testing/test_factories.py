"""The factories make what the readers read; a project can trust its own tests then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from passport_events import Event
from passport_events.conf import Settings
from passport_events.event import Change
from passport_events.salesforce_ids import normalize_id
from passport_events.testing import (
    contract_message,
    organization_id,
    record_id,
    relay_message,
    sns_notification,
)
from passport_events.wire.parser import parse_delivery
from passport_events.wire.raw_delivery import RawDelivery

HOME = organization_id(1)
RECORD = record_id("Opportunity", 7)


def read(body: Any) -> tuple[Event, ...]:
    text = body if isinstance(body, str) else json.dumps(body)
    received = RawDelivery(message_id="1", receipt_handle="1", body=text.encode())
    reading = parse_delivery(received, Settings(queue_url="https://sqs"))
    assert reading.refusal is None
    return reading.events


@pytest.mark.parametrize("number", [0, 1, 61, 62, 10**9])
def test_ids_have_the_checksum_that_salesforce_gives_them(number: int) -> None:
    made = record_id("Opportunity", number)
    assert (len(made), made[:3]) == (18, "006")
    assert normalize_id(made[:15]) == made


def test_numbers_make_different_ids() -> None:
    assert len({record_id("ContentVersion", number) for number in range(5_000)}) == 5_000


def test_a_relayed_creation() -> None:
    (event,) = read(relay_message("Opportunity", RECORD, fields={"Name": "Acme"}, organization=HOME))
    assert (event.event_type, event.change) == ("opportunity", Change.CREATED)
    assert (event.organization, event.record_id) == (HOME, RECORD)
    assert event.fields == {"Name": "Acme"}


def test_a_relayed_update_names_what_it_carries_unless_told_otherwise() -> None:
    (event,) = read(relay_message("Opportunity", RECORD, "UPDATE", {"Name": "A"}, organization=HOME))
    assert (event.fields, event.missing) == ({"Name": "A"}, ())
    named = relay_message(
        "Opportunity",
        RECORD,
        "UPDATE",
        {"Name": "A"},
        organization=HOME,
        changed_fields=["Name", "StageName"],
    )
    assert read(named)[0].missing == ("StageName",)


def test_several_records_make_a_merged_event() -> None:
    records = [record_id("Opportunity", number) for number in range(3)]
    events = read(relay_message("Opportunity", records, organization=HOME))
    assert [event.record_id for event in events] == records


def test_the_same_arguments_are_the_same_event_in_another_envelope() -> None:
    first, second = (relay_message("Opportunity", RECORD, organization=HOME) for _ in range(2))
    assert first["id"] != second["id"]
    assert read(first)[0].identity == read(second)[0].identity


@pytest.mark.parametrize("different", [{"at_ms": 1_778_192_988_000}, {"sequence": 2}, {"change": "DELETE"}])
def test_other_arguments_are_another_event(different: dict[str, Any]) -> None:
    first = relay_message("Opportunity", RECORD, organization=HOME)
    second = relay_message("Opportunity", RECORD, organization=HOME, **different)
    assert read(first)[0].identity != read(second)[0].identity


def test_a_later_event_has_a_later_version() -> None:
    first, second = (
        read(relay_message("Opportunity", RECORD, organization=HOME, at_ms=at))[0].version
        for at in (1_778_192_987_000, 1_778_192_988_000)
    )
    assert first.value < second.value


def test_a_contract_message() -> None:
    (event,) = read(contract_message("item", RECORD, {"Quantity": 2}, organization=HOME))
    assert (event.event_type, event.change) == ("item", Change.SNAPSHOT)
    assert (event.fields, event.organization) == ({"Quantity": 2}, HOME)


def test_sns_wraps_any_of_them() -> None:
    message = contract_message("item", RECORD, organization=HOME)
    assert read(sns_notification(message, attributes={"org_id": HOME})) == read(message)
    assert read(sns_notification(json.dumps(message))) == read(message)
