"""Change events without the relay's envelope: bare, from CometD, and from AppFlow."""

from typing import Any

import pytest

from tests.wire.deliveries import (
    ORGANIZATION,
    OTHER_ORGANIZATION,
    SOURCE,
    change_event,
    event,
    raw,
    read,
    refusal,
    relayed,
    sns,
    update,
)

EVENT = change_event({"Name": "Acme", "NextStep": None})
COMETD = {"schema": "IeRuaY6cbI_HsV8Rv1Mc5g", "payload": EVENT, "event": {"replayId": 6}}
APPFLOW = "aws.partner/appflow/salesforce.com/364228160620/flow"
FORMATS: dict[str, tuple[dict[str, Any], str, str]] = {
    "bare": (EVENT, "bare-cdc", ""),
    "CometD": (COMETD, "cometd", "payload."),
    "CometD with its channel": (
        {"channel": "/data/ChangeEvents", "data": COMETD},
        "cometd",
        "data.payload.",
    ),
    "AppFlow": (relayed(None, source=APPFLOW, detail=EVENT), "appflow", "detail."),
    "a function's own event": (relayed(None, source="my.function", detail=EVENT), "appflow", "detail."),
}


@pytest.mark.parametrize(("body", "name", "path"), FORMATS.values(), ids=FORMATS.keys())
def test_it_is_the_same_event_as_through_the_relay(body: dict[str, Any], name: str, path: str) -> None:
    for received, wrapping in (
        (raw(body, org_id=ORGANIZATION), "raw"),
        (sns(body, org_id=ORGANIZATION), "sns"),
    ):
        reading = read(received)
        assert reading.events == (event(relayed(EVENT)),)
        assert reading.wire_format == f"{wrapping}+{name}"


@pytest.mark.parametrize(("body", "name", "path"), FORMATS.values(), ids=FORMATS.keys())
def test_it_names_no_organization(body: dict[str, Any], name: str, path: str) -> None:
    assert refusal(raw(body)).reason == "no_organization"


@pytest.mark.parametrize(("body", "name", "path"), FORMATS.values(), ids=FORMATS.keys())
def test_what_is_wrong_is_named_by_its_path(body: dict[str, Any], name: str, path: str) -> None:
    header = EVENT["ChangeEventHeader"]
    kept = header.pop("entityName")
    try:
        found = refusal(raw(body, org_id=ORGANIZATION))
    finally:
        header["entityName"] = kept
    assert found.detail == f"{path}ChangeEventHeader.entityName must be a string that is not empty"


def test_a_body_with_every_field_says_only_what_it_names() -> None:
    body = update({"Name": "Acme", "StageName": None, "NextStep": None}, ["Name", "NextStep"])
    (found,) = read(raw(body, org_id=ORGANIZATION)).events
    assert found.fields == {"Name": "Acme", "NextStep": None}


def test_a_relays_source_is_never_overruled() -> None:
    body = relayed(None, source=SOURCE, detail=EVENT, **{"detail-type": "Salesforce"})
    assert event(body).organization == ORGANIZATION
    assert refusal(raw(body, org_id=OTHER_ORGANIZATION)).reason == "organization_mismatch"


def test_a_field_called_type_makes_no_notification() -> None:
    assert read(raw({**EVENT, "Type": "Notification"}, org_id=ORGANIZATION)).refusal is None


@pytest.mark.parametrize("header", [None, [], "x", 5])
def test_a_header_that_is_none_is_refused(header: object) -> None:
    for body in ({"ChangeEventHeader": header}, {"payload": {"ChangeEventHeader": header}}):
        assert refusal(raw(body, org_id=ORGANIZATION)).reason == "schema"
