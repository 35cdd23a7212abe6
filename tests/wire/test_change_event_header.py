"""Every member of a header: required or not, of which type, in which range."""

import dataclasses
from typing import Any

import pytest

from passport_events.event import Change, Version
from tests.wire.deliveries import change_event, event, raw, read, refusal, relayed, why

HEADER = "detail.payload.ChangeEventHeader"

WRONG: dict[str, list[Any]] = {
    "entityName": [None, "", 1, ["Opportunity"]],
    "recordIds": [None, [], "006SM0000001Tb3YAE", [1], [None], {"a": 1}],
    "changeType": [None, "", 1, "RENAME", "SNAPSHOT", "GAP_", "GAP_RENAME", "create"],
    "transactionKey": [None, "", 7],
    "sequenceNumber": [None, "1", -1, 10**10, True, 1.0],
    "commitTimestamp": [None, "2026-05-07T22:29:47Z", -1, 10**14, True, 1778192987000.0],
    "commitNumber": ["1", -1, 2**63, False, 1.5],
    "changeOrigin": [1, {}],
    "changedFields": ["Name", [1], {"Name": 1}, ["x" * 256]],
    "nulledFields": ["Name", [None]],
    "diffFields": [{}, [[]]],
}
TABLE = [(name, value) for name, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value"), TABLE)
def test_a_wrong_member_is_refused_by_its_path(name: str, value: object) -> None:
    reason, detail = why(relayed(change_event(None, **{name: value})))
    assert reason == "schema"
    assert detail.startswith(f"{HEADER}.{name} must ") or "field name" in detail


@pytest.mark.parametrize("name", [name for name, values in WRONG.items() if None in values])
def test_a_member_that_is_required_must_not_be_absent(name: str) -> None:
    payload = change_event()
    del payload["ChangeEventHeader"][name]
    assert why(relayed(payload))[0] == "schema"


def test_an_update_must_say_what_changed() -> None:
    payload = change_event(changeType="UPDATE")
    del payload["ChangeEventHeader"]["changedFields"]
    assert why(relayed(payload)) == ("schema", f"{HEADER}.changedFields must be an array of strings")


@pytest.mark.parametrize("name", ["commitNumber", "changeOrigin", "nulledFields", "diffFields", "commitUser"])
def test_a_member_that_is_optional_may_be_null_or_absent(name: str) -> None:
    payload = change_event(**{name: None})
    assert event(relayed(payload)).change is Change.CREATED
    del payload["ChangeEventHeader"][name]
    assert event(relayed(payload)).change is Change.CREATED


@pytest.mark.parametrize(
    ("header", "version"),
    [
        ({}, Version.of_commit(1778192987000, 1778192987716501507, 1)),
        ({"commitNumber": None}, Version.of_commit(1778192987000, 0, 1)),
        ({"commitTimestamp": 0, "commitNumber": 0, "sequenceNumber": 0}, Version.of_commit(0, 0, 0)),
        (
            {"commitTimestamp": 10**14 - 1, "commitNumber": 2**63 - 1, "sequenceNumber": 10**10 - 1},
            Version.of_commit(10**14 - 1, 2**63 - 1, 10**10 - 1),
        ),
    ],
)
def test_the_version_is_made_of_its_three_numbers(header: dict[str, Any], version: Version) -> None:
    without_its_time = dataclasses.replace(raw(relayed(change_event(**header))), attributes={})
    found = read(without_its_time).events[0].version
    assert found == version
    assert len(found.value) == 14 + 1 + 20 + 1 + 10
    assert found.time.year >= 1970


RESYNC = {
    "an overflow": {"changeType": "GAP_OVERFLOW", "recordIds": ["000000000000000AAA"]},
    "an overflow by its id": {"changeType": "GAP_UPDATE", "recordIds": ["000000000000000AAA"]},
    "an overflow by its short id": {"recordIds": ["000000000000000"]},
    "a wildcard": {"changeType": "GAP_UPDATE", "recordIds": ["006*"]},
    "a wildcard among ids": {"recordIds": ["006SM0000001Tb3YAE", "006*"]},
}


@pytest.mark.parametrize("header", RESYNC.values(), ids=RESYNC.keys())
def test_records_that_are_not_named_need_a_resync(header: dict[str, Any]) -> None:
    assert why(relayed(change_event(**header)))[0] == "resync_needed"


def test_an_id_that_is_none_is_refused_by_its_place() -> None:
    reason, detail = why(relayed(change_event(recordIds=["006SM0000001Tb3YAE", "Jane Doe"])))
    assert reason == "bad_id"
    assert detail == f"{HEADER}.recordIds[1] must be 15 or 18 letters and digits"


def test_origin_and_transaction_are_kept() -> None:
    found = event(relayed(change_event()))
    assert found.origin == "com/salesforce/api/rest/66.0;client=SfdcInternalAPI/"
    assert found.transaction == "0000be70-a756-e601-9202-32967602a6be"


@pytest.mark.parametrize(
    ("entity", "detail"),
    [("Account", "entity Account"), ("../../x", "entity (a name that cannot be shown)"), ("A" * 81, None)],
)
def test_an_object_of_no_event_type_is_refused(entity: str, detail: str | None) -> None:
    found = refusal(raw(relayed(change_event(entityName=entity))))
    assert found.reason == "unknown_event_type"
    assert detail is None or found.detail == detail
    assert len(found.detail) < 100
