"""Messages around the contract: mostly right, so that both ways to judge them are taken often."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from passport_events.receiving.received import Received
from tests.receiving.wire.deliveries import ORGANIZATION, OTHER_ORGANIZATION, RECORD, SOURCE

from .messages import OTHER_RECORD, changed, opportunity

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ANYTHING = st.recursive(
    # What JSON cannot say, or strict_json refuses before anybody looks, is not drawn.
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=4,
)
_ABSENT = object()


def _member(right: list[Any], wrong: list[Any], *, optional: bool = False) -> st.SearchStrategy[Any]:
    usual = st.sampled_from([*right, _ABSENT, None] if optional else right)
    unusual = st.sampled_from([*wrong, _ABSENT, None]) | ANYTHING
    # Rather often right: ten members, one of which is wrong, are a wrong message.
    return st.integers(0, 11).flatmap(lambda number: unusual if number == 0 else usual)


def _without_absent(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not _ABSENT}


_IDS = [RECORD, RECORD[:15], RECORD.lower(), RECORD.upper()]
_WRONG_IDS = [OTHER_RECORD, "", "Jane", RECORD + "\n", RECORD[:17] + "X", "006*"]
_ORGANIZATIONS = [ORGANIZATION, ORGANIZATION[:15], ORGANIZATION.lower(), ORGANIZATION.upper()]
_WRONG_ORGANIZATIONS = [OTHER_ORGANIZATION, RECORD, "", "00D", ORGANIZATION[:15].lower()]
_TIMES = ["2026-05-07T22:29:47Z", "2026-05-07T22:29:47.123456+02:00"]
_WRONG_TIMES = ["never", "2026-02-30T00:00:00Z", "2026-05-07T22:29:47", "2026-05-07"]
_FIELDS = st.dictionaries(
    st.sampled_from(["A", "A.B", "A.B.C", "B" * 255, "B" * 256]) | _TEXT, ANYTHING, max_size=2
)


def _with_fields(members: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(_FIELDS, members).map(lambda both: {**both[0], **_without_absent(both[1])})


_DATA = _with_fields(
    st.fixed_dictionaries(
        {
            "record_id": _member(_IDS, _WRONG_IDS),
            "name": _member(["Acme", ""], [5], optional=True),
            "amount": _member([1, 1.5, -2], ["1", True], optional=True),
            "close_date": _member(["2026-02-28"], ["2026-02-30", "28 Feb"], optional=True),
            "account_id": _member(_IDS, _WRONG_IDS, optional=True),
            "is_won": _member([True, False], [1, "true"], optional=True),
            "system_modstamp": _member(_TIMES, _WRONG_TIMES, optional=True),
        }
    )
)
MESSAGES = st.fixed_dictionaries(
    {
        "specversion": _member(["1.0"], ["0.3", 1.0]),
        "id": _member(["1", "\n"], ["", 5]),
        "source": _member(
            ["/apex", *(f"urn:salesforce:org:{one}" for one in _ORGANIZATIONS)],
            ["", "urn:salesforce:org:", *(f"urn:salesforce:org:{one}" for one in _WRONG_ORGANIZATIONS)],
        ),
        "type": _member(
            [
                *(f"edu.example.opportunity.{word}.v1" for word in ("created", "updated", "deleted")),
                "opportunity.undeleted.v1",
                ".opportunity.upserted.v1",
                "a\n.opportunity.updated.v1",
                "item.opportunity.updated.v1",
            ],
            [
                "opportunity.updated.v2",
                "opportunity.updated.v01",
                "opportunity.updated.v1\n",
                "xopportunity.updated.v1",
                "opportunity.merged.v1",
                "opportunity..v1",
                "item.updated.v1",
                "course.updated.v1",
            ],
        ),
        "time": _member(_TIMES, _WRONG_TIMES, optional=True),
        "datacontenttype": _member(["application/json"], ["", 1], optional=True),
        "dataschema": _member(["urn:x"], ["", 1], optional=True),
        "orgid": _member(_ORGANIZATIONS, _WRONG_ORGANIZATIONS, optional=True),
        "sequence": _member(
            [opportunity()["sequence"], "99999999999999.00000000000000000000.000000"],
            [
                "1778192987000",
                "0177819298700\u0663.01778192987716501507.000001",
                opportunity()["sequence"] + "\n",
            ],
        ),
        "data": st.integers(0, 11).flatmap(lambda number: _DATA if number else ANYTHING),
        "subject": _member(_IDS, _WRONG_IDS, optional=True),
        "entity": _member(["Opportunity"], ["", "Account", "OpportunityLineItem"], optional=True),
    }
).map(_without_absent)

_NAMES = [["Name", "Address.City"], [], ["0x01", "4-0x02"], ["N" * 255]]
_WRONG_NAMES = ["Name", [1], ["N" * 256], {}]
_HEADERS = st.fixed_dictionaries(
    {
        "entityName": _member(["Opportunity", "ContentVersion"], ["Account", ""]),
        "recordIds": _member(
            [_IDS, [RECORD, OTHER_RECORD], _IDS[:1]], [[], _WRONG_IDS, RECORD, ["006*"], ["0" * 15 + "AAA"]]
        ),
        "changeType": _member(
            ["CREATE", "UPDATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE"],
            ["GAP_OVERFLOW", "GAP_GAP_CREATE", "GAP_", "SNAPSHOT", "update", ""],
        ),
        "sequenceNumber": _member([0, 1, 9_999_999_999], [-1, 10**10, True, 1.0, "1"]),
        "commitTimestamp": _member([0, 1778192987000, 10**14 - 1], [-1, 10**14, True, "1"]),
        "commitNumber": _member([0, 2**63 - 1], [-1, 2**63, True, "1", 1.0], optional=True),
        "transactionKey": _member(["0000be70-a756-e601-9202-32967602a6be"], ["", 5]),
        "changeOrigin": _member(["", "com/salesforce/api/rest/66.0;client=x"], [5], optional=True),
        "changedFields": _member(_NAMES, _WRONG_NAMES),
        "nulledFields": _member(_NAMES, _WRONG_NAMES, optional=True),
        "diffFields": _member(_NAMES, _WRONG_NAMES, optional=True),
    }
).map(_without_absent)
_SOURCES = [
    SOURCE,
    SOURCE.replace(ORGANIZATION, ORGANIZATION[:15]),
    f"aws.partner/salesforce.com/{ORGANIZATION}",
]
CHANGE_EVENTS = st.builds(
    lambda source, name, header, fields: {
        **changed(),
        **_without_absent({"source": source, "detail-type": name}),
        "detail": {"payload": {**fields, **_without_absent({"ChangeEventHeader": header})}},
    },
    _member(
        _SOURCES,
        [
            *(f"aws.partner/salesforce.com/{one}/x" for one in _WRONG_ORGANIZATIONS),
            "aws.partner/salesforce.com",
        ],
    ),
    _member(["OpportunityChangeEvent", "Changed", 5], []),
    st.integers(0, 11).flatmap(lambda number: _HEADERS if number else ANYTHING | st.just(_ABSENT)),
    _FIELDS,
)


def delivered(body: object) -> Received:
    """Raw, without attributes or a time: the body has to say everything, and no clock disagrees."""
    return Received(message_id="sqs-1", receipt_handle="receipt", body=json.dumps(body).encode())
