"""Our contract."""

from typing import Any

import pytest

from passport_events.event import Change, Identity, Version, VersionKind
from tests.wire.deliveries import ORGANIZATION, RECORD, contract, event, raw, read, sample, sns, why

TYPE = "edu.example.salesforce.opportunity.{}.v1"
OTHER = "006SM0000001Tb4YAE"


def test_the_proposed_message() -> None:
    found = event(sample("synthetic/S4_custom_sns_message_attachment.json"))
    assert (found.event_type, found.change, found.entity) == ("attachment", Change.SNAPSHOT, "ContentVersion")
    assert (found.organization, found.record_id) == (ORGANIZATION, "00PSM000000Zq2w2AC")
    assert found.version == Version(VersionKind.SEQUENCE, "01778192987000.01778192987716501507.000001")
    assert found.identity == Identity.of(
        "cloudevents", "urn:salesforce:org:00D5f000005KcCnEAK", "59ebff93-6ac2-42ee-b1a6-3ded4d03e4e4"
    )
    assert found.occurred_at.isoformat() == "2026-05-07T22:29:47+00:00"
    assert found.fields == {
        "parent_id": "006SM0000001Tb3YAE",
        "name": "transcript.pdf",
        "content_type": "application/pdf",
        "size": 482113,
        "system_modstamp": "2026-05-07T22:29:47.000Z",
    }


def test_its_name_says_how_it_came() -> None:
    assert read(raw(contract())).wire_format == "raw+cloudevents"
    assert read(sns(contract())).wire_format == "sns+cloudevents"


@pytest.mark.parametrize(
    ("word", "change"),
    [
        ("created", Change.CREATED),
        ("updated", Change.UPDATED),
        ("deleted", Change.DELETED),
        ("undeleted", Change.UNDELETED),
        ("upserted", Change.SNAPSHOT),
    ],
)
def test_the_last_word_of_a_type_is_the_change(word: str, change: Change) -> None:
    assert event(contract(type=TYPE.format(word))).change is change
    assert event(contract(type=f"opportunity.{word}.v1")).change is change


DATA: dict[str, Any] = {
    "record_id": RECORD,
    "Name": "A",
    "Stage": None,
    "Address": {"City": "Rome", "Zip": None},
    "Tags": [],
}
WHOLE = {"Name": "A", "Address.City": "Rome", "Tags": []}


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("updated", {**WHOLE, "Stage": None, "Address.Zip": None}),
        ("created", WHOLE),
        ("undeleted", WHOLE),
        ("upserted", WHOLE),
        ("deleted", WHOLE),
    ],
)
def test_the_leaves_of_data_are_the_fields(word: str, fields: dict[str, Any]) -> None:
    found = event(contract(DATA, type=TYPE.format(word)))
    assert found.fields == fields
    assert found.enriched == (tuple(sorted(fields)) if word == "deleted" else ())


def test_what_apex_begins_a_record_with_is_no_field() -> None:
    """Case A8. `JSON.serialize(record)` writes it."""
    data = {"record_id": RECORD, "attributes": {"type": "Opportunity", "url": "/services/..."}, "Name": "A"}
    assert event(contract(data)).fields == {"Name": "A"}


@pytest.mark.parametrize(
    ("subject", "data"),
    [
        (RECORD, {}),
        (RECORD, {"record_id": None}),
        (None, {"record_id": RECORD}),
        (RECORD, {"record_id": RECORD}),
        (RECORD[:15], {"record_id": RECORD.lower()}),
    ],
)
def test_the_record_is_in_subject_or_data_or_both(subject: str | None, data: dict[str, Any]) -> None:
    assert event(contract(data, subject=subject)).record_id == RECORD


def test_an_entity_may_be_named() -> None:
    kind = "attachment.created.v1"
    assert event(contract(type=kind)).entity == "ContentVersion"
    assert event(contract(type=kind, entity="Attachment")).entity == "Attachment"


def test_unknown_attributes_are_ignored() -> None:
    assert event(contract(time="never", dataschema=1, traceparent="x", partitionkey={})) == event(contract())


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "an older specification": (
        contract(specversion="0.3"),
        ("unsupported_version", "specversion must be 1.0"),
    ),
    "a specification that is a number": (
        contract(specversion=1.0),
        ("schema", "specversion must be a string that is not empty"),
    ),
    "no id": (contract(id=None), ("schema", "id must be a string that is not empty")),
    "an empty id": (contract(id=""), ("schema", "id must be a string that is not empty")),
    "no source": (
        contract(source=None, orgid=ORGANIZATION),
        ("schema", "source must be a string that is not empty"),
    ),
    "no type": (contract(type=None), ("schema", "type must be a string that is not empty")),
    "a type without version": (
        contract(type="opportunity.updated"),
        ("schema", "type must end with <event type>.<change>.v1"),
    ),
    "another major version": (
        contract(type="opportunity.updated.v2"),
        ("unsupported_version", "type must end with .v1"),
    ),
    "another major version with other words": (
        contract(type="opportunity.merged.v12"),
        ("unsupported_version", "type must end with .v1"),
    ),
    "another change": (
        contract(type="opportunity.merged.v1"),
        ("schema", "type must name one of created, updated, deleted, undeleted, upserted"),
    ),
    "an unknown event type": (contract(type="case.updated.v1"), ("unknown_event_type", "case")),
    "an event type that is a path": (
        contract(type="../../x.updated.v1"),
        ("unknown_event_type", "(a name that cannot be shown)"),
    ),
    "no record": (contract(subject=None), ("schema", "subject and data.record_id must not both be absent")),
    "two records": (
        contract({"record_id": OTHER}),
        ("schema", "subject and data.record_id must name one record"),
    ),
    "a record that is a list": (
        contract({"record_id": [RECORD]}),
        ("schema", "data.record_id must be a string"),
    ),
    "a record that is none": (
        contract(subject="Jane Doe"),
        ("bad_id", "subject must be 15 or 18 letters and digits"),
    ),
    "no data": (
        {name: value for name, value in contract().items() if name != "data"},
        ("schema", "data must be an object"),
    ),
    "data that is text": (contract() | {"data": "{}"}, ("schema", "data must be an object")),
    "an entity of another type": (
        contract(entity="Account"),
        ("schema", "entity must be an object of the event type"),
    ),
    "an entity that is a number": (contract(entity=1), ("schema", "entity must be a string")),
    "no sequence": (contract(sequence=None), ("schema", "sequence must be a string that is not empty")),
}


@pytest.mark.parametrize(("body", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(body: dict[str, Any], expected: tuple[str, str]) -> None:
    assert why(body) == expected


@pytest.mark.parametrize(
    "sequence",
    [
        "1",
        "01778192987000",
        "1778192987000.01778192987716501507.000001",
        "01778192987000.01778192987716501507.0000001",
        "01778192987000.01778192987716501507.000001\n",
        "0177819298700\u0663.01778192987716501507.000001",
        "01778192987000-01778192987716501507-000001",
    ],
)
def test_a_sequence_of_another_form_would_not_compare_as_text(sequence: str) -> None:
    assert why(contract(sequence=sequence))[0] == "schema"


def test_source_and_id_are_the_identity() -> None:
    usual = event(contract())
    assert event(contract({"Name": "B"})).identity == usual.identity
    assert event(contract({"Name": "B"})).content_hash() != usual.content_hash()
    assert event(contract(id="other")).identity != usual.identity
    assert event(contract(source="/apex", orgid=ORGANIZATION)).identity != usual.identity
