"""Platform events through the relay, with a map of their fields."""

import dataclasses
import json
from typing import Any

import pytest

from passport_events.canonical_json import encode_canonical
from passport_events.conf import PlatformEvent
from passport_events.event import Change, Event, Identity
from passport_events.exceptions import Unreadable
from passport_events.wire.parser import ParsedDelivery, parse_delivery
from tests.wire.deliveries import ORGANIZATION, OTHER_ORGANIZATION, RECORD, SETTINGS, raw, relayed, sns

NAME = "Offer_Sent__e"
FLAT = PlatformEvent(event_type="opportunity", record_id="Record_Id__c", sequence="CreatedDate")
NESTED = dataclasses.replace(FLAT, change="Change__c", fields="Payload__c", sequence="Sequence__c")
SEQUENCE = "01778192987000.01778192987716501507.000001"
PAYLOAD = {
    "Record_Id__c": RECORD[:15],
    "CreatedDate": 1778192987000,
    "CreatedById": "005ak00000EpjsfAAB",
    "Stage__c": "Sent",
    "Note__c": None,
}


def reading(meaning: PlatformEvent, payload: object, **members: Any) -> ParsedDelivery:
    settings = dataclasses.replace(SETTINGS, platform_events={NAME: meaning})
    return parse_delivery(raw(relayed(payload, **{"detail-type": NAME} | members)), settings)


def event(meaning: PlatformEvent, payload: object, **members: Any) -> Event:
    found = reading(meaning, payload, **members)
    assert found.refusal is None, str(found.refusal)
    return found.events[0]


def refusal(meaning: PlatformEvent, payload: object, **members: Any) -> Unreadable:
    found = reading(meaning, payload, **members)
    assert found.refusal is not None
    return found.refusal


def nested(data: object, change: str = "updated", **members: Any) -> dict[str, Any]:
    text = data if isinstance(data, str) else json.dumps(data)
    usual = {"Record_Id__c": RECORD, "Sequence__c": SEQUENCE, "Change__c": change, "Payload__c": text}
    return usual | members


def test_flat_fields_are_the_records_unless_they_mean_something_else() -> None:
    found = event(FLAT, PAYLOAD)
    assert (found.event_type, found.entity, found.change) == ("opportunity", "Opportunity", Change.SNAPSHOT)
    assert (found.organization, found.record_id) == (ORGANIZATION, RECORD)
    assert found.fields == {"Stage__c": "Sent"}
    assert found.version.value == "01778192987000.00000000000000000000.000000"
    assert found.identity == Identity.of("body", ORGANIZATION, NAME, encode_canonical(PAYLOAD))


def test_json_in_a_field_is_parsed_once_and_its_nulls_are_meant() -> None:
    found = event(NESTED, nested({"Name": "Acme", "NextStep": None, "Text": '{"a": 1}', "A": {"B": 1}}))
    assert found.change is Change.UPDATED
    assert found.fields == {"Name": "Acme", "NextStep": None, "Text": '{"a": 1}', "A.B": 1}
    assert found.version.value == SEQUENCE
    assert event(NESTED, nested({"Name": None}, "upserted")).fields == {}


def test_a_delete_needs_no_fields() -> None:
    found = event(NESTED, nested({}, "deleted", Payload__c=None))
    assert (found.change, found.fields) == (Change.DELETED, {})


def test_the_change_and_the_object_may_be_constants() -> None:
    meaning = dataclasses.replace(
        FLAT, event_type="attachment", change="created", entity="ContentDocumentLink"
    )
    found = event(meaning, PAYLOAD)
    assert (found.change, found.entity) == (Change.CREATED, "ContentDocumentLink")


def test_salesforces_own_id_is_the_stronger_identity() -> None:
    found = event(FLAT, {**PAYLOAD, "EventUuid": "uuid-1"})
    assert found.identity == Identity.of("uuid", ORGANIZATION, "uuid-1")
    replayed = event(FLAT, {**PAYLOAD, "EventUuid": "uuid-1"}, id="another")
    assert replayed.identity == found.identity
    assert event(FLAT, {**PAYLOAD, "EventUuid": "uuid-2"}).identity != found.identity


@pytest.mark.parametrize("uuid", [{}, {"EventUuid": None}, {"EventUuid": ""}])
def test_without_one_a_replay_is_known_by_the_event_itself(uuid: dict[str, Any]) -> None:
    """The relay's replay has a new EventBridge id; what stands beside `payload` is not documented."""
    first = event(FLAT, PAYLOAD | uuid)
    again = event(
        FLAT,
        dict(reversed((PAYLOAD | uuid).items())),
        id="another",
        time="2026-05-10T22:29:47Z",
        resources=["arn:aws:events:us-east-1:123456789012:archive/x"],
        detail={"replayId": 5, "payload": dict(reversed((PAYLOAD | uuid).items())), "schemaId": "x"},
    )
    assert first.identity.strength == "body"
    assert again.identity == first.identity
    assert again.content_hash() == first.content_hash()
    assert event(FLAT, PAYLOAD | uuid, id=None).identity == first.identity


@pytest.mark.parametrize(
    "other",
    [
        {"Record_Id__c": "006SM0000001Tb4"},
        {"CreatedDate": 1778192987001},
        {"Stage__c": "Lost"},
        {"CreatedById": "005ak00000EpjsgAAB"},  # not a field of the record, but of the event
        {"Note__c": ""},
    ],
)
def test_every_field_of_an_event_is_part_of_its_identity(other: dict[str, Any]) -> None:
    assert event(FLAT, PAYLOAD | other).identity != event(FLAT, PAYLOAD).identity


@pytest.mark.parametrize("payload", [PAYLOAD, {**PAYLOAD, "EventUuid": "uuid-1"}])
def test_two_organizations_never_share_an_identity(payload: dict[str, Any]) -> None:
    elsewhere = event(FLAT, payload, source=f"aws.partner/salesforce.com/{OTHER_ORGANIZATION}/0YL")
    assert elsewhere.identity != event(FLAT, payload).identity


def test_two_kinds_of_event_never_share_a_body() -> None:
    settings = dataclasses.replace(SETTINGS, platform_events={NAME: FLAT, "Other__e": FLAT})
    one, other = (
        parse_delivery(raw(relayed(PAYLOAD, **{"detail-type": name})), settings).events[0]
        for name in (NAME, "Other__e")
    )
    assert one.identity != other.identity


@pytest.mark.parametrize(
    ("value", "version"),
    [
        (1778192987000, "01778192987000.00000000000000000000.000000"),
        ("1778192987000", "01778192987000.00000000000000000000.000000"),
        ("2026-05-07T22:29:47.000Z", "01778192987000.00000000000000000000.000000"),
        ("2026-05-07T22:29:47.123+0000", "01778192987123.00000000000000000000.000000"),
        ("2026-05-08T00:29:47+02:00", "01778192987000.00000000000000000000.000000"),
        (SEQUENCE, SEQUENCE),
    ],
    ids=["milliseconds", "digits", "Z", "Salesforce's offset", "another offset", "a sequence"],
)
def test_a_sequence_or_a_time_orders_events(value: object, version: str) -> None:
    assert event(FLAT, {**PAYLOAD, "CreatedDate": value}).version.value == version


@pytest.mark.parametrize("payload", [{}, {"CreatedDate": None}])
def test_an_event_that_cannot_be_ordered_is_refused(payload: dict[str, Any]) -> None:
    found = refusal(FLAT, {"Record_Id__c": RECORD, **payload})
    assert (found.reason, found.detail) == ("no_version", "detail.payload.CreatedDate is absent")


BAD: dict[str, tuple[PlatformEvent, object, str]] = {
    "a time without its offset": (FLAT, {**PAYLOAD, "CreatedDate": "2026-05-07T22:29:47"}, "schema"),
    "a day": (FLAT, {**PAYLOAD, "CreatedDate": "2026-05-07"}, "schema"),
    "a year after 5138": (FLAT, {**PAYLOAD, "CreatedDate": "9999-12-31T23:59:59-12:00"}, "schema"),
    "a year before 1970": (FLAT, {**PAYLOAD, "CreatedDate": "0001-01-01T00:00:00+14:00"}, "schema"),
    "milliseconds before 1970": (FLAT, {**PAYLOAD, "CreatedDate": -1}, "schema"),
    "milliseconds with a point": (FLAT, {**PAYLOAD, "CreatedDate": 1778192987000.0}, "schema"),
    "true": (FLAT, {**PAYLOAD, "CreatedDate": True}, "schema"),
    "a time from the future": (FLAT, {**PAYLOAD, "CreatedDate": "2027-01-01T00:00:00Z"}, "from_the_future"),
    "no record": (FLAT, {**PAYLOAD, "Record_Id__c": None}, "bad_id"),
    "a record that is none": (FLAT, {**PAYLOAD, "Record_Id__c": "Jane Doe"}, "bad_id"),
    "a uuid that is a number": (FLAT, {**PAYLOAD, "EventUuid": 5}, "schema"),
    "a type that is gone": (dataclasses.replace(FLAT, event_type="x"), PAYLOAD, "unknown_event_type"),
    "a change nobody knows": (NESTED, nested({}, "Jane Doe"), "schema"),
    "no change": (NESTED, nested({}, Change__c=None), "schema"),
    "no JSON": (NESTED, nested({}, Payload__c=None), "schema"),
    "JSON that is none": (NESTED, nested("Jane Doe"), "invalid_json"),
    "JSON that is no object": (NESTED, nested("[]"), "not_an_object"),
    "JSON with a key twice": (NESTED, nested('{"Jane Doe": 1, "Jane Doe": 2}'), "duplicate_key"),
    "JSON with NUL": (NESTED, nested('{"a": "\\u0000"}'), "nul_char"),
    "no payload": (FLAT, None, "schema"),
}


@pytest.mark.parametrize(("meaning", "payload", "reason"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_an_event_is_refused(meaning: PlatformEvent, payload: object, reason: str) -> None:
    found = refusal(meaning, payload)
    assert found.reason == reason
    assert "Jane" not in str(found)


def test_an_error_inside_the_json_says_so() -> None:
    assert refusal(NESTED, nested("x")).detail.endswith("inside detail.payload.Payload__c")


def test_a_platform_event_that_nobody_described_is_refused_by_name() -> None:
    found = refusal(FLAT, PAYLOAD, **{"detail-type": "Other__e"})
    assert (found.reason, found.detail) == ("unknown_event_type", "platform event Other__e")
    found = refusal(FLAT, PAYLOAD, **{"detail-type": "Jane Doe"})
    assert "Jane" not in found.detail


def test_the_organization_may_come_from_elsewhere() -> None:
    settings = dataclasses.replace(SETTINGS, platform_events={NAME: FLAT})
    body = relayed(PAYLOAD, source="aws.partner/salesforce.com", **{"detail-type": NAME})
    found = parse_delivery(sns(body, org_id=ORGANIZATION), settings)
    assert found.wire_format == "sns+platform-event"
    assert found.events[0].organization == ORGANIZATION
    refused = parse_delivery(sns(body), settings).refusal
    assert refused is not None
    assert refused.reason == "no_organization"
