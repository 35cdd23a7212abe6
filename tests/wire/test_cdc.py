"""What a change event says about each record: fields, missing ones, and gaps."""

import json
from typing import Any

import pytest

from passport_events.event import Change, Identity
from tests.wire.deliveries import (
    ORGANIZATION,
    RECORD,
    change_event,
    event,
    events,
    relayed,
    sample,
    update,
    why,
)

# The two records of sample 12 have an object that no event type covers by default.
OPPORTUNITIES = ["006SM0000001Tb3YAE", "006SM0000001Tb4", "006SM0000001Tb5"]


@pytest.mark.parametrize(
    ("change_type", "change"),
    [
        ("CREATE", Change.CREATED),
        ("UPDATE", Change.UPDATED),
        ("DELETE", Change.DELETED),
        ("UNDELETE", Change.UNDELETED),
    ],
)
def test_a_change_and_its_gap(change_type: str, change: Change) -> None:
    fields = {"Name": "Acme"}
    plain = event(relayed(change_event(fields, changeType=change_type)))
    gap = event(relayed(change_event(fields, changeType=f"GAP_{change_type}")))
    assert (plain.change, plain.is_gap) == (change, False)
    assert (gap.change, gap.is_gap, gap.fields, gap.missing) == (change, True, {}, ())
    assert plain.identity != gap.identity


@pytest.mark.parametrize("change_type", ["CREATE", "UNDELETE"])
def test_a_whole_record_has_every_field_that_is_not_empty(change_type: str) -> None:
    fields = {
        "Name": "Acme",
        "IsWon": False,
        "Amount": 0,
        "Description": "",
        "NextStep": None,
        "Tags": ["a", None],
        "None": [],
        "BillingAddress": {"City": "Rome", "State": None, "Latitude": 1.5},
        "Empty": {},
    }
    assert event(relayed(change_event(fields, changeType=change_type))).fields == {
        "Name": "Acme",
        "IsWon": False,
        "Amount": 0,
        "Description": "",
        "Tags": ["a", None],
        "None": [],
        "BillingAddress.City": "Rome",
        "BillingAddress.Latitude": 1.5,
    }


def test_what_a_delete_brings_is_enriched() -> None:
    """Case D1."""
    body = {"External_Id__c": "E-1", "BillingAddress": {"City": "Rome", "Street": None}, "Name": None}
    found = event(relayed(change_event(body, changeType="DELETE", changedFields=["Name", "X"])))
    assert (found.fields, found.missing) == ({"External_Id__c": "E-1", "BillingAddress.City": "Rome"}, ())
    assert found.enriched == ("BillingAddress.City", "External_Id__c")
    assert not found.has_changed("External_Id__c")


ADDRESS = {"BillingAddress": {"City": "Rome", "Street": None}}
# body, changedFields, more of the header -> fields, missing
UPDATES: dict[str, tuple[dict[str, Any], list[str], dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "named and present": ({"Name": "A"}, ["Name"], {}, {"Name": "A"}, ()),
    "named and null": ({"Name": None}, ["Name"], {}, {"Name": None}, ()),
    "named and absent": ({}, ["Name"], {}, {}, ("Name",)),
    "present and not named": ({"Name": "A", "Amount": None}, [], {}, {}, ()),
    "a compound covers its leaves": (
        ADDRESS,
        ["BillingAddress"],
        {},
        {"BillingAddress.City": "Rome", "BillingAddress.Street": None},
        (),
    ),
    "a dotted name is one leaf": (ADDRESS, ["BillingAddress.City"], {}, {"BillingAddress.City": "Rome"}, ()),
    "a dotted name without its leaf": (ADDRESS, ["BillingAddress.Zip"], {}, {}, ("BillingAddress.Zip",)),
    "a dotted name under a compound of null": (
        {"BillingAddress": None},
        ["BillingAddress.City"],
        {},
        {},
        ("BillingAddress.City",),
    ),
    "a compound without leaves": ({"BillingAddress": {}}, ["BillingAddress"], {}, {}, ("BillingAddress",)),
    "a name that only begins alike": ({"NameX": "A"}, ["Name"], {}, {}, ("Name",)),
    "a list is a value": ({"Tags": [1, "a"]}, ["Tags"], {}, {"Tags": [1, "a"]}, ()),
    "the time of the change, not named": (
        {"LastModifiedDate": 1714170102000},
        [],
        {},
        {"LastModifiedDate": 1714170102000},
        (),
    ),
    "the time of the change, not named and null": ({"LastModifiedDate": None}, [], {}, {}, ()),
    "the time of the change, named and null": (
        {"LastModifiedDate": None},
        ["LastModifiedDate"],
        {},
        {"LastModifiedDate": None},
        (),
    ),
    "nulled": ({}, ["Name"], {"nulledFields": ["Name"]}, {"Name": None}, ()),
    "nulled and not named": ({}, [], {"nulledFields": ["Name"]}, {"Name": None}, ()),
    "nulled beats the body": ({"Name": "A"}, ["Name"], {"nulledFields": ["Name"]}, {"Name": None}, ()),
    "a nulled compound covers its leaves": (
        ADDRESS,
        ["BillingAddress", "BillingAddress.City", "BillingAddress.Zip"],
        {"nulledFields": ["BillingAddress"]},
        {"BillingAddress": None},
        (),
    ),
    "a difference is no value": (
        {"Description": "--- a\n+++ b", "Name": "A"},
        ["Description", "Name"],
        {"diffFields": ["Description"]},
        {"Name": "A"},
        ("Description",),
    ),
    "a difference and not named": (
        {"Description": "x"},
        [],
        {"diffFields": ["Description"]},
        {},
        ("Description",),
    ),
    "a difference beats nulled": (
        {"Description": "x"},
        ["Description"],
        {"nulledFields": ["Description"], "diffFields": ["Description"]},
        {},
        ("Description",),
    ),
    "a name twice": ({"Name": "A"}, ["Name", "Name"], {}, {"Name": "A"}, ()),
    "names that mean something elsewhere": (
        {"__class__": "%s", "$ne": "{0}"},
        ["__class__", "$ne"],
        {},
        {"__class__": "%s", "$ne": "{0}"},
        (),
    ),
}


@pytest.mark.parametrize(
    ("body", "changed", "header", "fields", "missing"), UPDATES.values(), ids=UPDATES.keys()
)
def test_an_update_changes_only_what_is_named_and_present(
    body: dict[str, Any],
    changed: list[str],
    header: dict[str, Any],
    fields: dict[str, Any],
    missing: tuple[str, ...],
) -> None:
    found = event(relayed(update(body, changed, **header)))
    assert {name: value for name, value in found.fields.items() if name not in found.enriched} == fields
    assert found.missing == missing
    assert not found.is_gap


BITMAPS = [
    ["0x0320"],
    ["4-0x01"],
    ["Name", "12-0xAf"],
    ["0x"],
]


@pytest.mark.parametrize("names", BITMAPS)
@pytest.mark.parametrize("member", ["changedFields", "nulledFields", "diffFields"])
def test_an_update_that_nobody_decoded_is_a_gap(member: str, names: list[str]) -> None:
    header: dict[str, Any] = {"changeType": "UPDATE", "changedFields": [], member: names}
    found = event(relayed(change_event({"Name": None, "LastModifiedDate": 1714170102000}, **header)))
    assert (found.change, found.is_gap, found.fields, found.missing) == (Change.UPDATED, True, {}, ())


def test_the_guides_merged_bitmap_update_is_a_gap_for_each_record() -> None:
    payload = sample("02_cdc_account_update_merged_3_records.json")
    payload["ChangeEventHeader"]["entityName"] = "Opportunity"
    found = events(relayed(payload))
    assert [one.is_gap for one in found] == [True, True, True]


def test_the_captured_update_without_values_misses_them() -> None:
    payload = sample("10_cdc_decoded_account_update_changedfields_without_values.json")
    payload["ChangeEventHeader"]["entityName"] = "Opportunity"
    found = event(relayed(payload))
    assert found.missing == ("BillingAddress.Street", "ShippingAddress.PostalCode")
    assert found.fields == {"LastModifiedDate": "2026-05-07T22:29:47.000Z"}


def test_a_merged_event_is_one_event_for_each_record() -> None:
    found = events(relayed(change_event({"Name": "A"}, recordIds=OPPORTUNITIES)))
    assert [one.record_id[:15] for one in found] == [record_id[:15] for record_id in OPPORTUNITIES]
    assert len({one.identity.key for one in found}) == 3
    assert len({one.content_hash() for one in found}) == 3
    assert {one.fields["Name"] for one in found} == {"A"}


def test_a_record_that_is_named_twice_is_one_event() -> None:
    found = events(relayed(change_event(recordIds=[RECORD, RECORD[:15], RECORD.lower(), RECORD])))
    assert [one.record_id for one in found] == [RECORD]


def test_a_delivery_is_all_or_nothing() -> None:
    assert why(relayed(change_event(recordIds=[RECORD, "nobody"])))[0] == "bad_id"


def test_the_identity_is_what_makes_a_change_one_change() -> None:
    found = event(relayed(change_event()))
    assert found.identity == Identity.of(
        "cdc", ORGANIZATION, "Opportunity", RECORD, "0000be70-a756-e601-9202-32967602a6be", 1, "CREATE"
    )


@pytest.mark.parametrize(
    "header",
    [
        {"recordIds": ["006SM0000001Tb4"]},
        {"transactionKey": "other"},
        {"sequenceNumber": 2},
        {"changeType": "UNDELETE"},
        {"changeType": "GAP_CREATE"},
        {"entityName": "OpportunityLineItem"},
    ],
)
def test_every_part_of_an_identity_matters(header: dict[str, Any]) -> None:
    assert event(relayed(change_event(**header))).identity != event(relayed(change_event())).identity


def test_a_rounded_commit_number_changes_neither_identity_nor_content() -> None:
    exact = event(relayed(change_event(commitNumber=1778192987716501507)))
    rounded = event(relayed(change_event(commitNumber=1778192987716501500)))
    assert exact.identity == rounded.identity
    assert exact.content_hash() == rounded.content_hash()
    assert exact.version != rounded.version


def test_a_number_that_is_written_another_way_is_no_other_content() -> None:
    """A JavaScript hop writes 100.0 as 100; Java writes 1.0E7."""
    written = [
        json.dumps(relayed(change_event({"Amount": 0}))).replace('"Amount": 0', f'"Amount": {number}')
        for number in ("10000000.0", "10000000", "1.0E7", "10000000.5")
    ]
    first, second, third, other = (event(text.encode()).content_hash() for text in written)
    assert first == second == third != other


def test_a_leaf_that_is_named_two_ways_is_refused() -> None:
    assert why(relayed(change_event({"A.City": 1, "A": {"City": 2}})))[0] == "duplicate_key"


ENRICHED: dict[str, tuple[dict[str, Any], list[str], dict[str, Any], tuple[str, ...]]] = {
    "unchanged": ({"Fax": "1", "Industry": "B"}, ["Fax"], {"Fax": "1", "Industry": "B"}, ("Industry",)),
    "an unchanged compound": (
        {"Fax": "1", "BillingAddress": {"City": "Rome", "Street": None}},
        ["Fax"],
        {"Fax": "1", "BillingAddress.City": "Rome"},
        ("BillingAddress.City",),
    ),
    "changed": ({"Industry": "B"}, ["Industry"], {"Industry": "B"}, ()),
    "emptied": ({"Industry": None}, ["Industry"], {"Industry": None}, ()),
    "null means unchanged": ({"Fax": "1", "Industry": None}, ["Fax"], {"Fax": "1"}, ()),
    "the other part of a compound": (
        {"Name": {"FirstName": "A", "LastName": "B"}},
        ["Name.LastName"],
        {"Name.FirstName": "A", "Name.LastName": "B"},
        ("Name.FirstName",),
    ),
    "false and zero are values": (
        {"IsWon": False, "Amount": 0},
        [],
        {"IsWon": False, "Amount": 0},
        ("Amount", "IsWon"),
    ),
}


@pytest.mark.parametrize(("body", "changed", "fields", "enriched"), ENRICHED.values(), ids=ENRICHED)
def test_an_unchanged_field_with_a_value_is_enriched(
    body: dict[str, Any], changed: list[str], fields: dict[str, Any], enriched: tuple[str, ...]
) -> None:
    """Case D1."""
    found = event(relayed(update(body, changed)))
    assert (found.fields, found.enriched) == (fields, enriched)
    assert [name for name in fields if found.has_changed(name)] == [n for n in fields if n not in enriched]


def test_a_change_of_a_compound_is_one_of_its_leaves() -> None:
    found = event(relayed(update({}, ["BillingAddress"])))
    assert found.has_changed("BillingAddress.City")
    assert not found.has_changed("BillingCity")


@pytest.mark.parametrize(
    ("body", "changed", "is_changed"),
    [
        ({"City": "Rome"}, ["BillingAddress"], True),
        ({"City": "Rome", "Street": "X"}, ["BillingAddress.City"], True),
        ({"Street": "X"}, ["BillingAddress.City"], True),
        ({"City": "Rome"}, ["StageName"], False),
        ({"City": "Rome"}, ["BillingAddressee"], False),
    ],
)
def test_a_change_of_a_part_is_one_of_its_compound(
    body: dict[str, Any], changed: list[str], *, is_changed: bool
) -> None:
    """Case D1. Parts that did not change and are sent along are none."""
    found = event(relayed(update({"BillingAddress": body, "StageName": "Won"}, changed)))
    assert found.has_changed("BillingAddress") is is_changed


def test_a_channel_that_enriches_and_one_that_does_not_bring_the_same_event() -> None:
    """Else the second of them would be a collision."""
    for change_type in ("UPDATE", "DELETE"):
        header = {"changeType": change_type, "changedFields": ["Fax"]}
        fields = {"Fax": "1"} if change_type == "UPDATE" else {}
        plain, enriched = (
            event(relayed(change_event(body, **header)))
            for body in (fields, fields | {"External_Id__c": "E"})
        )
        assert plain.identity == enriched.identity
        assert plain.content_hash() == enriched.content_hash()


def test_nested_names_cannot_grow_without_end() -> None:
    assert why(relayed(change_event({"a" * 250: {"Street": 1}})))[0] == "schema"
    assert why(relayed(change_event({".".join("a" * 9): 1})))[0] == "schema"


def test_a_merged_event_cannot_ask_for_gigabytes() -> None:
    ids = [f"006SM00000{number:05d}" for number in range(10_000)]
    body = relayed(change_event({"Description": "x" * 20_000}, recordIds=ids))
    assert why(body)[0] == "too_large"
    assert len(events(relayed(change_event({"Description": "x" * 2_000}, recordIds=ids)))) == 10_000
