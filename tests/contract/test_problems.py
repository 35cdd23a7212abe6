"""Every violation is told by its place and its rule, and no value ever is."""

from __future__ import annotations

from typing import Any

import pytest

from passport_events.contract import problems
from passport_events.contract.problems import find_kind, find_violations, kinds

from .messages import OTHER_ORGANIZATION, OTHER_RECORD, RECORD, changed, heartbeat, opportunity

ID = "must be an id: 15 letters and digits, or 18 whose last three fit the others"
ORGANIZATION = "must be the id of an organization: 00D..., 15 or 18 letters and digits"
CHANGES = "created, updated, deleted, undeleted, upserted"
TIME = "must be a time as RFC 3339 writes it, like 2026-05-07T22:29:47.000Z"
CHANGE_TYPES = (
    "must be 'CREATE', 'UPDATE', 'DELETE', 'UNDELETE', "
    "'GAP_CREATE', 'GAP_UPDATE', 'GAP_DELETE', 'GAP_UNDELETE' or 'GAP_OVERFLOW'"
)
HEADER = "detail.payload.ChangeEventHeader."
WRONG: dict[str, tuple[str, object, list[str]]] = {
    "no object": ("opportunity", [1], ["(the message) must be an object"]),
    "nothing": (
        "opportunity",
        {},
        [f"{name} is required" for name in ("specversion", "id", "source", "type", "sequence", "data")],
    ),
    "everything": (
        "opportunity",
        {
            "specversion": 1.0,
            "id": "",
            "source": "urn:salesforce:org:Jane",
            "type": "opportunity.merged.v1",
            "time": "2026-02-30T00:00:00Z",
            "orgid": RECORD,
            "sequence": "1",
            "data": {"record_id": "006SM0000001Tb3YAX", "amount": "1", "close_date": "7 May", "is_won": 1},
            "subject": 6,
            "entity": "Account",
        },
        [
            "specversion must be '1.0'",
            "id must not be empty",
            "source must not be empty, and after urn:salesforce:org: stand the id of an organization",
            f"type must end with opportunity.<change>.v1, and <change> be one of {CHANGES}",
            f"time {TIME}",
            f"orgid {ORGANIZATION}",
            "sequence must be 14, 20 and 6 digits with dots between them",
            f"data.record_id {ID}",
            "data.amount must be a number",
            "data.close_date must be a day like 2026-05-07",
            "data.is_won must be true or false",
            "subject must be a string",
            "entity must be 'Opportunity'",
        ],
    ),
    "no organization": (
        "opportunity",
        opportunity(source="/apex"),
        ["orgid must be the organization's id, because source does not name it"],
    ),
    "an organization whose d is small": (
        "opportunity",
        opportunity(source="/apex", orgid="00d5f000005KcCnAAK"),
        [f"orgid {ORGANIZATION}"],
    ),
    "two organizations": (
        "opportunity",
        opportunity(orgid=OTHER_ORGANIZATION),
        ["orgid must be the organization that source names"],
    ),
    "two records": (
        "opportunity",
        opportunity(subject=OTHER_RECORD),
        ["subject must be the record that data.record_id names"],
    ),
    "a field twice": (
        "opportunity",
        opportunity({"A.B": 1, "A": {"B": 2}}),
        ["data must not name a field twice, nested and with dots"],
    ),
    "a field with a long name": (
        "opportunity",
        opportunity({"A": {"B" * 254: 2}}),
        ["data must not hold a field name of more than 255 characters or 8 parts"],
    ),
    "a number that is none": (
        "opportunity",
        opportunity({"amount": float("nan")}),
        ["data.amount must be a finite number"],
    ),
    "a text that is none": (
        "opportunity",
        opportunity(id="\ud800"),
        ["id must be text without lone surrogates"],
    ),
    "a size below nothing": (
        "attachment",
        opportunity({"size": -1}, type="attachment.created.v1"),
        ["data.size must not be less than 0"],
    ),
    "a size with a fraction": (
        "attachment",
        opportunity({"size": 1.5}, type="attachment.created.v1"),
        ["data.size must be a whole number"],
    ),
    "a heartbeat without a time": ("heartbeat", heartbeat(time=None), ["time is required"]),
    "a heartbeat of another version": (
        "heartbeat",
        heartbeat(type="x.heartbeat.v2"),
        ["type must end with heartbeat.v1"],
    ),
    "a header of wrong things": (
        "change_event",
        changed(
            entityName="",
            recordIds=["006*", "000000000000000AAA", "Jane", "006SM*"],
            changeType="SNAPSHOT",
            sequenceNumber=True,
            commitTimestamp=10**14,
            commitNumber=2**63,
            transactionKey=None,
            changedFields="Name",
            nulledFields=["N" * 256],
        ),
        [
            f"{HEADER}entityName must not be empty",
            f"{HEADER}recordIds[2] {ID}",
            f"{HEADER}recordIds[3] {ID}",
            f"{HEADER}changeType {CHANGE_TYPES}",
            f"{HEADER}sequenceNumber must be a whole number",
            f"{HEADER}commitTimestamp must not be more than 99999999999999",
            f"{HEADER}commitNumber must not be more than 9223372036854775807",
            f"{HEADER}transactionKey must be a string",
            f"{HEADER}changedFields must be an array",
            f"{HEADER}nulledFields[0] must not have more than 255 characters",
        ],
    ),
    "an update that names nothing": (
        "change_event",
        changed(changeType="UPDATE", changedFields=None),
        [f"{HEADER}changedFields must be an array, because this is an UPDATE"],
    ),
    "a change of no record": (
        "change_event",
        changed(recordIds=[]),
        [f"{HEADER}recordIds must not be empty"],
    ),
    "a relay of nobody": (
        "change_event",
        changed() | {"source": "aws.partner/salesforce.com/Jane/1"},
        ["source must be aws.partner/salesforce.com/<organization>/<channel>, as the Event Relay writes it"],
    ),
}


@pytest.mark.parametrize(("kind", "body", "expected"), WRONG.values(), ids=WRONG.keys())
def test_tells(kind: str, body: object, expected: list[str]) -> None:
    found = find_violations(body, kind)

    assert [str(problem) for problem in found] == expected
    assert "Jane" not in str(found)


def test_every_rule_of_the_table_of_words_is_used_above() -> None:
    said = "\n".join(rule for *_, rules in WRONG.values() for rule in rules)

    for words in problems._RULES.values():
        assert words.partition("{")[0] in said
    assert problems._UNKNOWN not in said


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("opportunity", opportunity()),
        ("opportunity", opportunity({"amount": 1, "name": None, "Tags": [], "Address": {"City": "Rome"}})),
        ("opportunity", opportunity(subject=RECORD[:15], source="/apex", orgid="00d5f000005kccneak")),
        ("opportunity", opportunity(id="1", traceparent="x", partitionkey={})),
        ("heartbeat", heartbeat()),
        ("change_event", changed({"Name": "Acme"})),
        (
            "change_event",
            changed(changeType="GAP_OVERFLOW", recordIds=["000000000000000AAA"], commitNumber=None),
        ),
    ],
)
def test_a_right_message_has_none(kind: str, body: dict[str, Any]) -> None:
    assert find_violations(body, kind) == ()
    assert find_kind(body) == kind


def test_a_kind_that_does_not_exist_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        find_violations({}, "course")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (opportunity(type="item.created.v1"), "item"),
        (opportunity(type="edu.attachment.item.created.v1"), "item"),
        (opportunity(type="opportunity.merged.v2"), "opportunity"),
        (opportunity(type="opportunity.updated"), "opportunity"),
        (opportunity(type="item.course.updated.v1"), None),
        (opportunity(type="change_event.updated.v1"), None),
        (opportunity(type="v1"), None),
        (opportunity(type=""), None),
        (opportunity(type=5), None),
        (opportunity(specversion=None), None),
        (heartbeat(type="heartbeat.v1"), "heartbeat"),
        (heartbeat(type="edu.item.heartbeat.v3"), "heartbeat"),
        (changed(entityName="Account"), "change_event"),
        (changed() | {"source": "aws.partner/appflow"}, None),
        ([], None),
        ("opportunity", None),
    ],
)
def test_the_kind_is_what_a_message_is_meant_to_be(body: object, kind: str | None) -> None:
    assert find_kind(body) == kind
    assert kind is None or kind in kinds()
