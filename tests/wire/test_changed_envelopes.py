"""Whatever way an event takes, and however it is written: the same keys and the same content."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passport_events.wire.parser import ParsedDelivery, parse_delivery
from tests.receiving.envelopes import Change, Contract, Parcel, Platform, Said, javascript, parcel
from tests.wire.deliveries import ORGANIZATION, RECORD, change_event, contract
from tests.wire.test_properties import DESCRIBED, PLATFORM, VALUES

pytestmark = pytest.mark.any_database

NUMBERS = st.integers(0, 2**62)  # Salesforce's reach 2^61; the last 64-bit ones would be rounded out of range
FIELDS = st.dictionaries(st.from_regex(r"[A-Za-z_]{1,8}", fullmatch=True), VALUES, max_size=5)
RECORDS = st.lists(st.sampled_from([RECORD, RECORD[:15], "006SM0000001Tb4YAE", "006*"]), min_size=1)
CHANGES = st.sampled_from(
    ["CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_UPDATE", "GAP_CREATE", "GAP_OVERFLOW"]
)
CHANGE_EVENTS = st.builds(
    lambda fields, change, records, number: Change(
        ORGANIZATION,
        change_event(
            fields, changeType=change, changedFields=list(fields), recordIds=records, commitNumber=number
        ),
    ),
    FIELDS,
    CHANGES,
    RECORDS,
    NUMBERS,
)
PLATFORM_EVENTS = st.builds(
    lambda fields, uuid: Platform(
        ORGANIZATION,
        "Flat__e",
        {**{f"{name}__c": value for name, value in fields.items()}, **PLATFORM, **uuid},
    ),
    FIELDS,
    st.sampled_from([{}, {"EventUuid": None}, {"EventUuid": "uuid-1"}]),
)
CONTRACTS = st.builds(lambda fields: Contract(ORGANIZATION, contract(fields)), FIELDS)


def read(found: Parcel, chance: Random) -> ParsedDelivery:
    return parse_delivery(found.received(chance), DESCRIBED)


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(CHANGE_EVENTS | PLATFORM_EVENTS | CONTRACTS, st.integers(), st.integers())
def test_no_envelope_changes_what_an_event_is(said: Said, first: int, second: int) -> None:
    readings = [read(parcel(said, chance), chance) for chance in (Random(first), Random(second))]
    one, other = readings
    assert (one.refusal and one.refusal.reason) == (other.refusal and other.refusal.reason)
    assert [event.identity for event in one.events] == [event.identity for event in other.events]
    assert [event.content_hash() for event in one.events] == [event.content_hash() for event in other.events]


EXAMPLES: list[Said] = [
    Change(ORGANIZATION, change_event({"Name": "Acme", "Amount": 100.0})),
    Platform(ORGANIZATION, "Flat__e", {**PLATFORM, "Stage__c": "Sent"}),
    Contract(ORGANIZATION, contract()),
]


def ways(said: Said) -> Iterator[tuple[str, Parcel]]:
    """Many copies, each with the format that it is recognised as."""
    for seed in range(200):
        chance = Random(seed)
        copy = parcel(said, chance)
        reading = read(copy, chance)
        assert reading.refusal is None, str(reading.refusal)
        yield reading.wire_format, copy


@pytest.mark.parametrize(
    ("said", "formats"),
    [
        (EXAMPLES[0], {"eventbridge-relay-cdc", "appflow", "bare-cdc", "cometd"}),
        (EXAMPLES[1], {"platform-event"}),
        (EXAMPLES[2], {"cloudevents"}),
    ],
)
def test_the_copies_take_every_way_there_is(said: Said, formats: set[str]) -> None:
    """Else the test above would show less than it says."""
    found = dict(ways(said))
    assert found.keys() == {f"{wrapping}+{name}" for wrapping in ("sns", "raw") for name in formats}


@pytest.mark.parametrize("said", EXAMPLES)
def test_what_an_event_says_is_not_part_of_its_envelope(said: Said) -> None:
    """Else the hashes above could be the same because they see nothing."""

    def hashes(of: Said) -> set[tuple[str, str]]:
        readings = [read(parcel(of, Random(seed)), Random(seed)) for seed in range(20)]
        return {
            (event.identity.key, event.content_hash()) for reading in readings for event in reading.events
        }

    assert len(hashes(said)) == 1
    assert hashes(said).isdisjoint(hashes(changed(said)))


def changed(said: Said) -> Said:
    """The same with one more field."""
    more: dict[str, Any] = {"Other__c": 1}
    if isinstance(said, Contract):
        return dataclasses.replace(said, message=said.message | {"data": said.message["data"] | more})
    return dataclasses.replace(said, payload=said.payload | more)


def test_a_javascript_hop_rounds_what_it_cannot_hold() -> None:
    """So that the copies above are what they are meant to be."""
    assert javascript({"a": [2**53 + 1, 100.0, 0.5, True, None, "1.0"]}) == {
        "a": [2**53, 100, 0.5, True, None, "1.0"]
    }
    assert type(javascript(100.0)) is int
