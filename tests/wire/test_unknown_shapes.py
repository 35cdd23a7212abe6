"""Case A8. What wraps a value in another encoding is refused by name, and never becomes a field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from passport_events.exceptions import Unreadable
from passport_events.wire.flatten import MAX_NESTED_CHARACTERS, flatten_fields
from tests.wire.deliveries import RECORD, change_event, contract, event, relayed, update, why

AVRO = "Avro's JSON encoding"
WRAPPED = {
    "a string": ({"string": "Won"}, AVRO),
    "a number": ({"double": 1.0}, AVRO),
    "a whole number": ({"long": 1}, AVRO),
    "true": ({"boolean": True}, AVRO),
    "a list": ({"array": ["a"]}, AVRO),
    "a type with a name": ({"com.sforce.eventbus.Address": {"City": {"string": "Rome"}}}, AVRO),
    "GraphQL": ({"value": "Won", "displayValue": "Won"}, "GraphQL"),
    "GraphQL without what is displayed": ({"value": "Won"}, "GraphQL"),
    "a parent": ({"attributes": {"type": "User", "url": "/x"}, "Name": "A"}, "REST"),
    "children": ({"totalSize": 1, "done": True, "records": [{"Id": RECORD}]}, "query"),
    "protobuf": ({"stringValue": "Won"}, "type"),
    "MongoDB": ({"$numberDecimal": "1.0"}, "type"),
    "XML": ({"#text": "Won"}, "type"),
}
REFUSED_OF_SALESFORCE = {
    "an object": {"a": 1},
    "an empty name": {"": 1},
    "a compound inside a compound": {"City": {"City": "Rome"}},
    "a compound with something else": {"City": "Rome", "Mayor": "A"},
    "a list of objects": [{"a": 1}],
    "a list of lists": [["a"]],
    "a wrapped leaf": {"City": {"string": "Rome"}},
}


@pytest.mark.parametrize(("value", "word"), WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("change_type", ["CREATE", "UPDATE", "DELETE", "UNDELETE"])
def test_in_a_change_event(change_type: str, value: Any, word: str) -> None:
    header = {"changeType": change_type, "changedFields": ["StageName"]}
    reason, detail = why(relayed(change_event({"StageName": value}, **header)))
    assert reason == "unknown_shape"
    assert detail.startswith("StageName is ")
    assert word in detail


@pytest.mark.parametrize(("value", "word"), WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("wrapped", ["itself", "nested", "in a list"])
def test_in_a_message_of_the_contract(wrapped: str, value: Any, word: str) -> None:
    held = {"itself": value, "nested": {"a": {"b": value}}, "in a list": [1, {"a": value}]}[wrapped]
    reason, detail = why(contract({"record_id": RECORD, "stage_name": held}))
    assert (reason, word in detail) == ("unknown_shape", True)


@pytest.mark.parametrize("value", REFUSED_OF_SALESFORCE.values(), ids=REFUSED_OF_SALESFORCE)
def test_salesforce_itself_sends_only_values_and_its_own_compounds(value: Any) -> None:
    assert why(relayed(update({"StageName": value}, ["StageName"])))[0] == "unknown_shape"


@pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}], {"value": 1, "unit": "kg"}, {"string": 1, "int": 2}])
def test_people_may_nest_as_they_like(value: Any) -> None:
    assert event(contract({"record_id": RECORD, "x": value})).fields


COMPOUNDS = {
    "a name": (
        "Name",
        {"Salutation": "Dr.", "FirstName": "A", "MiddleName": "B", "LastName": "C", "Suffix": "D"},
    ),
    "an address": (
        "MailingAddress",
        {"Street": "1", "City": "R", "StateCode": "X", "GeocodeAccuracy": "Zip"},
    ),
    "a place": ("Place__c", {"Latitude": 1.5, "Longitude": 2.5}),
    "a place as REST spells it": ("Place__c", {"latitude": 1.5, "longitude": 2.5}),
    "an address of one's own": ("Home__c", {"Street__s": "1", "PostalCode__s": "2"}),
}


@pytest.mark.parametrize(("name", "value"), COMPOUNDS.values(), ids=COMPOUNDS)
def test_salesforces_compounds_are_read(name: str, value: dict[str, Any]) -> None:
    found = event(relayed(update({name: value}, [name])))
    assert found.fields == {f"{name}.{part}": item for part, item in value.items()}


def test_no_value_is_in_the_reason() -> None:
    detail = why(relayed(update({"Student Name": {"string": "Ada"}}, ["X"])))[1]
    assert "Ada" not in detail
    assert "Student" not in detail


def test_nested_names_are_limited_in_all() -> None:
    value = {"a" * 200: {str(leaf): 1 for leaf in range(MAX_NESTED_CHARACTERS // 200)}}
    assert len(json.dumps(value)) < MAX_NESTED_CHARACTERS / 10
    with pytest.raises(Unreadable, match="too_large"):
        flatten_fields({"x": value})
