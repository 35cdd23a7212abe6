"""The Event Relay's envelope, and EventBridge events that are something else."""

from typing import Any

import pytest

from passport_events.event import Change
from tests.wire.deliveries import change_event, event, raw, read, relayed, sample, sns, why


def test_a_new_file() -> None:
    found = event(sample("synthetic/S1_eventrelay_contentversion_create.json"))
    assert (found.event_type, found.entity, found.change) == ("attachment", "ContentVersion", Change.CREATED)
    assert (found.organization, found.record_id) == ("00D5f000005KcCnEAK", "068SM0000004aBcYAI")
    assert found.fields["ContentSize"] == 482113
    assert found.version.value == "01778192987000.01778192987716501507.0000000001"
    assert found.identity.strength == "cdc"


def test_a_deleted_item() -> None:
    found = event(sample("synthetic/S2_eventrelay_opportunitylineitem_delete.json"))
    assert (found.event_type, found.change, found.fields) == ("item", Change.DELETED, {})


def test_a_gap() -> None:
    found = event(sample("synthetic/S3_eventrelay_opportunity_gap_update.json"))
    assert (found.event_type, found.change, found.is_gap) == ("opportunity", Change.UPDATED, True)


def test_the_guides_opportunity() -> None:
    found = event(relayed(sample("01_cdc_opportunity_create.json")))
    assert found.fields["StageName"] == "Prospecting"
    assert "NextStep" not in found.fields
    assert found.occurred_at.isoformat() == "2022-05-19T16:32:13+00:00"


def test_the_guides_gap() -> None:
    payload = sample("03_cdc_account_gap_create.json")
    payload["ChangeEventHeader"]["entityName"] = "Opportunity"
    found = event(relayed(payload))
    assert (found.is_gap, found.origin, found.fields) == (True, "", {})


def test_a_captured_relay_event_without_commit_number() -> None:
    body = sample("12_eventbridge_eventrelay_account_create_two_records.json")
    assert why(body) == ("unknown_event_type", "entity Account")
    body["detail"]["payload"]["ChangeEventHeader"]["entityName"] = "Opportunity"
    reading = read(raw(body))
    assert [one.record_id for one in reading.events] == ["0015f00002J9YYEAA3", "0015f00002J9YYFAA3"]


def test_its_name_says_how_it_came() -> None:
    body = relayed(change_event())
    assert read(raw(body)).wire_format == "raw+eventbridge-relay-cdc"
    assert read(sns(body)).wire_format == "sns+eventbridge-relay-cdc"


def test_members_beside_the_payload_are_ignored() -> None:
    body = relayed(None, detail={"payload": change_event(), "schemaId": "x", "replayId": 5}, resources=[])
    assert event(body).change is Change.CREATED


def test_a_rule_may_replace_the_detail_type() -> None:
    assert event(relayed(change_event(), **{"detail-type": "Salesforce"})).change is Change.CREATED


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no detail": ({"detail": None}, "detail must be an object"),
    "detail is text": ({"detail": "{}"}, "detail must be an object"),
    "no payload": ({"detail": {}}, "detail.payload must be an object"),
    "payload is text": ({"detail": {"payload": "{}"}}, "detail.payload must be an object"),
    "no header": ({"detail": {"payload": {}}}, "detail.payload.ChangeEventHeader must be an object"),
    "header is a list": (
        {"detail": {"payload": {"ChangeEventHeader": []}}},
        "detail.payload.ChangeEventHeader must be an object",
    ),
}


@pytest.mark.parametrize(("members", "detail"), BROKEN.values(), ids=BROKEN.keys())
def test_a_change_event_without_its_parts_is_refused_by_path(members: dict[str, Any], detail: str) -> None:
    assert why(relayed(None, **members)) == ("schema", detail)


UNSUPPORTED = {
    "AppFlow without a header": (relayed({}, source="aws.partner/appflow/salesforce.com/1/a"), "appflow"),
    "another partner": (relayed(change_event(), source="aws.partner/other.com/x"), "eventbridge"),
    "no source": (relayed({}, source=None), "eventbridge"),
    "an event of one's own": (sample("20_sns_notification_wrapping_eventbridge.json"), "eventbridge"),
    "CometD without a header": ({"schema": "x", "payload": {}, "event": {"replayId": 1}}, "cometd"),
    "CometD with its channel": ({"channel": "/data/X", "data": {"payload": {}}}, "cometd"),
    "an input transformer's": ({"contactId": "003"}, "unknown"),
    "an empty object": ({}, "unknown"),
}


@pytest.mark.parametrize(("body", "name"), UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
def test_a_format_that_is_not_read_yet_is_named(body: object, name: str) -> None:
    assert why(body) == ("unsupported_format", name)
    assert read(raw(body)).wire_format.endswith(f"+{name}")
