"""Which organization a message belongs to, and what happens when two could claim it."""

import dataclasses
from typing import Any

import pytest

from passport_events.conf import Settings
from passport_events.wire.parser import parse_delivery
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
    why,
)

NO_SOURCE = "aws.partner/salesforce.com/"
AGREED = {
    "the relay's source": (relayed(change_event()), {}),
    "the source and an attribute": (relayed(change_event()), {"org_id": ORGANIZATION}),
    "the source and an attribute of 15 characters": (relayed(change_event()), {"org_id": ORGANIZATION[:15]}),
    "an attribute alone": (relayed(change_event(), source=NO_SOURCE), {"org_id": ORGANIZATION.lower()}),
    "the contract's source": (contract(), {}),
    "the contract's orgid": (contract(source="/apex", orgid=ORGANIZATION), {}),
    "all three": (contract(orgid=ORGANIZATION[:15]), {"org_id": ORGANIZATION}),
    "an attribute beside a contract that does not say": (contract(source="/apex"), {"org_id": ORGANIZATION}),
}


@pytest.mark.parametrize(("body", "attributes"), AGREED.values(), ids=AGREED.keys())
def test_it_is_found_in(body: dict[str, Any], attributes: dict[str, str]) -> None:
    for received in (raw(body, **attributes), sns(body, **attributes)):
        (event,) = read(received).events
        assert event.organization == ORGANIZATION


MISMATCHED = {
    "source and attribute": (relayed(change_event()), {"org_id": OTHER_ORGANIZATION}),
    "orgid and source": (contract(orgid=OTHER_ORGANIZATION), {}),
    "orgid and attribute": (contract(source="/apex", orgid=ORGANIZATION), {"org_id": OTHER_ORGANIZATION}),
    "two against one": (contract(orgid=ORGANIZATION), {"org_id": OTHER_ORGANIZATION}),
}


@pytest.mark.parametrize(("body", "attributes"), MISMATCHED.values(), ids=MISMATCHED.keys())
def test_any_two_that_disagree_are_a_mismatch(body: dict[str, Any], attributes: dict[str, str]) -> None:
    assert refusal(raw(body, **attributes)).reason == "organization_mismatch"
    assert refusal(sns(body, **attributes)).reason == "organization_mismatch"


def with_topic(organization: str) -> Settings:
    return dataclasses.replace(SETTINGS, topic_organizations={TOPIC: organization})


@pytest.mark.parametrize("body", [change_event(), contract(source="/apex"), {"payload": change_event()}])
def test_the_topic_is_the_last_source(body: dict[str, Any]) -> None:
    reading = parse_delivery(sns(body), with_topic(ORGANIZATION))
    assert [event.organization for event in reading.events] == [ORGANIZATION]
    refused = parse_delivery(raw(body), with_topic(ORGANIZATION)).refusal
    assert refused is not None  # Raw delivery names no topic.
    assert refused.reason == "no_organization"


@pytest.mark.parametrize(("body", "attributes"), AGREED.values(), ids=AGREED.keys())
def test_a_topic_that_disagrees_with_any_other_source_is_a_mismatch(
    body: dict[str, Any], attributes: dict[str, str]
) -> None:
    assert parse_delivery(sns(body, **attributes), with_topic(ORGANIZATION)).refusal is None
    refused = parse_delivery(sns(body, **attributes), with_topic(OTHER_ORGANIZATION)).refusal
    assert refused is not None
    assert refused.reason == "organization_mismatch"


def test_a_message_without_any_is_refused() -> None:
    assert why(relayed(change_event(), source=NO_SOURCE))[0] == "no_organization"
    assert why(contract(source="/apex"))[0] == "no_organization"


def test_one_that_is_no_id_is_refused() -> None:
    assert why(relayed(change_event(), source=f"{NO_SOURCE}me/too")) == (
        "bad_id",
        "source must be 15 or 18 letters and digits",
    )
    assert why(contract(orgid="me"))[0] == "bad_id"
    assert why(contract(orgid=5))[0] == "schema"
    assert why(notification(contract(), org_id=""))[0] == "bad_id"
