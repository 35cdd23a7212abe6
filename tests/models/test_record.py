"""What a handler gets of a record, by name."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from passport_events.event import Change
from passport_events.exceptions import FieldUnknown
from passport_events.mirror.apply import merge_into
from passport_events.models import SalesforceOrganization, SalesforceRecord
from passport_events.models import record as record_module
from passport_events.models.record import MAX_NAMES_COMPARED, find_near_name
from passport_events.testing import organization_id, record_id
from tests.harness.steps import assert_linear
from tests.mirror.histories import Step

pytestmark = pytest.mark.django_db


def a_record(
    fields: dict[str, Any],
    number: int = 1,
    change: Change = Change.CREATED,
    entity: str = "Opportunity",
) -> SalesforceRecord:
    home, _ = SalesforceOrganization.objects.get_or_create(salesforce_id=organization_id(1), name="Program")
    record = SalesforceRecord(organization=home, entity=entity, record_id=record_id(entity, number))
    merge_into(record, Step(change, 1, fields).event, 1)
    record.save()
    return record


@pytest.mark.parametrize(
    "name",
    [
        "Stagename",
        "stageName",
        "stage_name",
        "StageName__c",
        "StagName",
        "StageNames",
        "StageNmae",
        "StageMame",
    ],
)
def test_a_mistyped_name_is_no_empty_field(name: str) -> None:
    """Case A10."""
    record = a_record({"StageName": "Won", "Name": "A"})
    with pytest.raises(FieldUnknown, match=r"Did you mean StageName\?") as caught:
        record[name]
    assert caught.value.near == "StageName"
    assert name not in record
    assert record.get(name, "default") == "default"


@pytest.mark.parametrize("name", ["DateOfBirth", "DateOfBrith__c", "date_of_birth"])
def test_underscores_of_a_custom_field_are_found(name: str) -> None:
    """Case A10. The name asked for is many characters shorter."""
    record = a_record({"Date_of_Birth__c": "2001-01-01", "Name": "A"})
    with pytest.raises(FieldUnknown, match=r"Did you mean Date_of_Birth__c\?"):
        record[name]


@pytest.mark.parametrize("name", ["Amount", "Phone2__c", "Stage", "ShippingStreet", "Nam"])
def test_a_field_that_salesforce_left_empty_is_none(name: str) -> None:
    record = a_record({"StageName": "Won", "Phone1__c": "1", "BillingStreet": "2", "Name": "A"})
    with CaptureQueriesContext(connection) as queries:
        assert record[name] is None
    assert not queries.captured_queries


def test_a_name_that_another_record_of_its_object_has_is_right() -> None:
    """Case A10."""
    a_record({"Stagename": "x"}, 2)
    with CaptureQueriesContext(connection) as queries:
        assert a_record({"StageName": "Won"})["Stagename"] is None
    assert len([each for each in queries.captured_queries if "fields" in each["sql"]]) <= 5


@pytest.mark.parametrize("other", [1, 3], ids=["older", "newer"])
def test_records_of_another_object_do_not_hide_that_a_name_is_right(
    other: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case A10: items may be a hundred times as many as opportunities, and newer than all of them."""
    monkeypatch.setattr(record_module, "MAX_RECORDS_COMPARED", 2)
    a_record({"Email": "x", "Email__c": "y"}, other)
    record = a_record({"Email__c": "y"}, 2)
    for number in range(1, 4):
        a_record({"Name": "x"}, number, entity="OpportunityLineItem")
    assert record["Email"] is None


def test_a_name_in_mirror_fields_is_right(settings: Any) -> None:
    """Case A10: the project says itself that the object has it."""
    names = ["Email", "Email__c"]
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "MIRROR_FIELDS": {"Opportunity": names}}
    assert a_record({"Email__c": "y"})["Email"] is None


def test_a_record_that_is_not_whole_also_says_what_was_meant() -> None:
    record = a_record({"StageName": "Won"}, change=Change.UPDATED)
    with pytest.raises(FieldUnknown, match=r"not known yet.*Did you mean StageName\?"):
        record["Stagename"]
    with pytest.raises(FieldUnknown, match=r"default\)\.$"):
        record["Amount"]


def test_a_compound_field_is_no_empty_field() -> None:
    """Case A10: its parts have the values, also where an older event emptied all of it."""
    record = a_record({"BillingAddress.City": "Rome", "BillingAddress.Street": "X", "Name": "A"})
    emptied = Step(Change.UPDATED, 2, {"BillingAddress": None})
    filled = Step(Change.UPDATED, 3, {"BillingAddress.Street": "Y", "BillingAddress.City": None})
    unknown = Step(Change.UPDATED, 4, {"BillingAddress.Street": None}, ("BillingAddress.State",))
    for step, part in ((None, "City"), (emptied, None), (filled, "Street"), (unknown, "State")):
        if step is not None:
            merge_into(record, step.event, 2)
        if part is None:
            assert record["BillingAddress"] is None
            continue
        with pytest.raises(
            FieldUnknown, match=rf"compound.*Did you mean BillingAddress\.{part}\?$"
        ) as caught:
            record["BillingAddress"]
        assert caught.value.near == f"BillingAddress.{part}"
        assert "BillingAddress" not in record
        assert record.get("BillingAddress", "default") == "default"


def test_a_record_that_nothing_was_merged_into_knows_no_field() -> None:
    with pytest.raises(FieldUnknown, match="not known yet"):
        SalesforceRecord(entity="Opportunity", record_id=record_id("Opportunity", 1))["Name"]


def test_a_field_that_mirror_fields_leave_out_says_so(settings: Any) -> None:
    """Case A10. Waiting for a complete record would not help."""
    record = a_record({"StageName": "Won", "Name": "A"})
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "MIRROR_FIELDS": {"Opportunity": ["StageName"]}}
    with pytest.raises(FieldUnknown, match="add it to MIRROR_FIELDS") as caught:
        record["Amount"]
    assert "needs_complete" not in str(caught.value)


def test_a_compound_that_mirror_fields_name_is_no_empty_field(settings: Any) -> None:
    """Case A10."""
    kept = {"Opportunity": ["BillingAddress"]}
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "MIRROR_FIELDS": kept}
    with pytest.raises(FieldUnknown, match="compound"):
        a_record({"BillingAddress.City": "Rome", "Name": "A"})["BillingAddress"]


def test_looking_at_every_empty_field_takes_time_in_proportion() -> None:
    """Case B1."""

    def prepare(count: int) -> Any:
        names = [f"Field{number}" for number in range(count)]
        record = a_record({f"{name}.City": "x" for name in names}, count)
        return lambda: [record.get(name) for name in names]

    assert_linear(prepare, 150)


def test_more_names_than_an_object_can_have_are_not_compared() -> None:
    known = [f"Field{number}" for number in range(MAX_NAMES_COMPARED)] + ["StageName"]
    assert find_near_name("StagName", known) is None
    assert find_near_name("StagName", known[1:]) == "StageName"


def test_looking_at_every_unknown_field_takes_time_in_proportion() -> None:
    """Case B1."""

    def prepare(count: int) -> Any:
        step = Step(Change.UPDATED, 2, {}, tuple(f"Field{number}" for number in range(count)))
        record = a_record({"Name": "A"}, count)
        merge_into(record, step.event, 2)
        return lambda: [record.get(f"Field{number}") for number in range(count)]

    assert_linear(prepare, 150)
