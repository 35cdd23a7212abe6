"""Organization heartbeats, in both shapes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from passport_events.conf import PlatformEvent
from passport_events.wire.organization_heartbeat import OrganizationHeartbeat
from passport_events.wire.parser import parse_delivery
from passport_events.wire.raw_delivery import RawDelivery
from tests.wire.deliveries import (
    ORGANIZATION,
    OTHER_ORGANIZATION,
    SETTINGS,
    TOPIC,
    change_event,
    contract,
    notification,
    raw,
    read,
    refusal,
    relayed,
    sns,
)

NAME = "Passport_Heartbeat__e"
SENT = datetime(2026, 5, 7, 22, 29, 47, tzinfo=UTC)


def relay(payload: object = None, **members: Any) -> dict[str, Any]:
    """A heartbeat through the Event Relay."""
    usual = {"CreatedDate": "2026-05-07T22:29:47.000Z", "CreatedById": "005ak00000EpjsfAAB"}
    return relayed(usual if payload is None else payload, **{"detail-type": NAME} | members)


def cloud(**attributes: Any) -> dict[str, Any]:
    """A heartbeat of the contract."""
    usual = {
        "specversion": "1.0",
        "id": "1",
        "source": f"urn:salesforce:org:{ORGANIZATION}",
        "type": "edu.example.salesforce.heartbeat.v1",
        "time": "2026-05-07T22:29:47Z",
    }
    return {name: value for name, value in (usual | attributes).items() if value is not None}


@pytest.mark.parametrize("deliver", [raw, sns])
@pytest.mark.parametrize("make", [relay, cloud])
def test_a_heartbeat_is_no_event_and_no_refusal(
    deliver: Callable[..., RawDelivery], make: Callable[[], dict[str, Any]]
) -> None:
    reading = read(deliver(make()))
    assert reading.heartbeat == OrganizationHeartbeat(ORGANIZATION, SENT)
    assert (reading.events, reading.refusal) == ((), None)
    assert reading.wire_format == f"{deliver.__name__}+organization-heartbeat"


@pytest.mark.parametrize(
    "body",
    [
        relay({"CreatedDate": 1778192987000}),
        relay({"CreatedDate": "1778192987000"}),
        relay({"CreatedDate": "2026-05-08T00:29:47.000+0200"}),
        cloud(time="2026-05-08T00:29:47+02:00"),
        # What says so itself counts more than what is around it.
        relay(time="2026-05-01T00:00:00Z"),
        # EventBridge's time, and then SNS's and SQS's.
        relay({}, time="2026-05-07T22:29:47Z"),
        relay({"CreatedDate": None}, time="2026-05-07T22:29:47Z"),
    ],
)
def test_it_says_when_it_was_sent(body: dict[str, Any]) -> None:
    found = read(sns(body)).heartbeat
    assert found is not None
    assert found.sent_at == SENT


@pytest.mark.parametrize("body", [relay({}), relay({}, time="yesterday"), cloud(time=None)])
def test_else_it_was_sent_when_sns_or_sqs_took_it(body: dict[str, Any]) -> None:
    wrapped, plain = read(sns(body)).heartbeat, read(raw(body)).heartbeat
    assert wrapped is not None
    assert wrapped.sent_at == datetime(2026, 5, 7, 22, 29, 48, 679_000, tzinfo=UTC)
    assert plain is not None
    assert plain.sent_at == datetime(2026, 5, 7, 22, 29, 48, 123_000, tzinfo=UTC)
    found = refusal(dataclasses.replace(raw(body), attributes={}))
    assert found.reason == "no_time"


def test_the_organization_may_come_from_the_attribute_or_the_topic() -> None:
    settings = dataclasses.replace(SETTINGS, topic_organizations={TOPIC: ORGANIZATION})
    for body in (relay(source="aws.partner/salesforce.com"), cloud(source="/a/flow")):
        for found in (read(raw(body, org_id=ORGANIZATION[:15])), parse_delivery(sns(body), settings)):
            assert found.heartbeat == OrganizationHeartbeat(ORGANIZATION, SENT)
        assert refusal(raw(body)).reason == "no_organization"
    assert read(raw(cloud(source="/a/flow", orgid=ORGANIZATION))).heartbeat is not None


HOSTILE = {
    "two organizations": (
        relay(source=f"aws.partner/salesforce.com/{OTHER_ORGANIZATION}/0YL"),
        "organization_mismatch",
    ),
    "two organizations in itself": (cloud(orgid=OTHER_ORGANIZATION), "organization_mismatch"),
    "an organization that is none": (cloud(source="urn:salesforce:org:Jane Doe"), "bad_id"),
    "no payload": (relay([]), "schema"),
    "no detail": (relay(detail="Jane Doe"), "schema"),
    "a time that is none": (relay({"CreatedDate": "Jane Doe"}), "schema"),
    "a time without its offset": (cloud(time="2026-05-07T22:29:47"), "schema"),
    "a time that is an object": (cloud(time={"Jane": "Doe"}), "schema"),
    "true": (relay({"CreatedDate": True}), "schema"),
    "a time before 1970": (relay({"CreatedDate": -1}), "schema"),
    "a time beyond every calendar": (relay({"CreatedDate": 10**18}), "schema"),
    "the end of the calendar": (cloud(time="9999-12-31T23:59:59-12:00"), "schema"),
    "more than a day ahead": (relay({"CreatedDate": 1778192988123 + 86_400_001}), "from_the_future"),
    "another CloudEvents": (cloud(specversion="2.0"), "unsupported_version"),
    "no source": (cloud(source=None), "schema"),
    "a later version": (cloud(type="edu.example.salesforce.heartbeat.v2"), "unsupported_version"),
    "another type": (cloud(type="edu.example.salesforce.theheartbeat.v1"), "schema"),
    "no type": (cloud(type=None), "schema"),
    "a name nobody knows": (relay(**{"detail-type": "Other__e"}), "unknown_event_type"),
    "a name that is none": (relay(**{"detail-type": [NAME]}), "schema"),
    "another partner": (relay(source="aws.partner/other.com/x"), "unsupported_format"),
}


@pytest.mark.parametrize("deliver", [raw, sns])
@pytest.mark.parametrize(("body", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_good_heartbeat_is_refused(
    deliver: Callable[..., RawDelivery], body: dict[str, Any], reason: str
) -> None:
    reading = read(deliver(body, org_id=ORGANIZATION))
    assert reading.refusal is not None
    assert (reading.refusal.reason, reading.heartbeat, reading.events) == (reason, None, ())
    assert "Jane" not in str(reading.refusal)


def test_a_day_ahead_is_what_an_event_may_be_too() -> None:
    assert read(raw(relay({"CreatedDate": 1778192988123 + 86_400_000}))).heartbeat is not None


def test_the_shortest_type_is_its_last_two_words() -> None:
    assert read(raw(cloud(type="heartbeat.v1"))).heartbeat is not None


def test_settings_say_which_platform_events_are_heartbeats() -> None:
    none = dataclasses.replace(SETTINGS, heartbeat_events=())
    refused = parse_delivery(raw(relay()), none).refusal
    assert refused is not None
    assert refused.reason == "unknown_event_type"
    two = dataclasses.replace(SETTINGS, heartbeat_events=("A__e", "B__e"))
    assert parse_delivery(raw(relay(**{"detail-type": "B__e"})), two).heartbeat is not None


@pytest.mark.parametrize(
    "body",
    [
        relayed(change_event()),
        relayed(None, source="aws.partner/salesforce.com", detail=change_event()),
        relayed(change_event(), specversion="1.0", type="heartbeat.v1"),
    ],
)
def test_no_setting_makes_a_heartbeat_of_a_change_event(body: dict[str, Any]) -> None:
    """It would be deleted without a trace."""
    wrong = dataclasses.replace(SETTINGS, heartbeat_events=("OpportunityChangeEvent",))
    reading = parse_delivery(raw(body, org_id=ORGANIZATION), wrong)
    assert (len(reading.events), reading.heartbeat) == (1, None)


def test_other_messages_are_events_as_before() -> None:
    described = PlatformEvent(event_type="opportunity", record_id="Record_Id__c", sequence="CreatedDate")
    settings = dataclasses.replace(SETTINGS, platform_events={"Offer__e": described})
    payload = {"Record_Id__c": "006SM0000001Tb3YAE", "CreatedDate": 1778192987000}
    for body in (contract(), relayed(payload, **{"detail-type": "Offer__e"})):
        reading = parse_delivery(raw(body), settings)
        assert (len(reading.events), reading.heartbeat) == (1, None)


def test_a_heartbeat_inside_another_notification_is_none() -> None:
    assert refusal(sns(notification(relay()))).reason == "unsupported_format"


def test_what_a_pointer_leads_to_is_none() -> None:
    """Only the poller records heartbeats, and nobody needs S3 for one."""
    pointer = read(raw({"a": 1}))
    for body in (relay(), cloud()):
        found = parse_delivery(raw(body), SETTINGS, pointer.envelope)
        assert (found.heartbeat, found.refusal is not None) == (None, True)
