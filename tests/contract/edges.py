"""Values at the edge of what each member may be: those that are right, and those that are just wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.wire.deliveries import ORGANIZATION, OTHER_ORGANIZATION, RECORD, SOURCE

from .messages import OTHER_RECORD, opportunity

ABSENT: Any = object()


@dataclasses.dataclass(frozen=True)
class Edge:
    """What a member may be, and what it may not."""

    right: list[Any]
    wrong: list[Any]


def _optional(right: list[Any], wrong: list[Any]) -> Edge:
    return Edge([*right, ABSENT, None], wrong)


_SEQUENCE = opportunity()["sequence"]
_IDS = [RECORD, RECORD[:15], RECORD.lower(), RECORD.upper()]
_WRONG_IDS = [OTHER_RECORD, "", "Jane", RECORD + "\n", RECORD[:17] + "X", RECORD[:14] + "\u0663", "006*", 6]
_ORGANIZATIONS = [ORGANIZATION, ORGANIZATION[:15], ORGANIZATION.lower(), ORGANIZATION.upper()]
# The last one is an id in which the d is truly a small one.
_WRONG_ORGANIZATIONS = [OTHER_ORGANIZATION, RECORD, "", "00D", ORGANIZATION + "\n", "00d5f000005KcCnAAK"]
_TIMES = ["2026-05-07T22:29:47Z", "2026-05-07T22:29:47.123456+02:00"]
_WRONG_TIMES = ["never", "2026-02-30T00:00:00Z", "2026-05-07T22:29:47", "2026-05-07", 1778192987]

MESSAGE = {
    "specversion": Edge(["1.0"], ["0.3", "1.0\n", 1.0]),
    "id": Edge(["1", "\n"], ["", 5]),
    "source": Edge(
        ["/apex", *(f"urn:salesforce:org:{one}" for one in _ORGANIZATIONS)],
        ["", 5, "urn:salesforce:org:", *(f"urn:salesforce:org:{one}" for one in _WRONG_ORGANIZATIONS)],
    ),
    "type": Edge(
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
            "opportunity.Updated.v1",
            "xopportunity.updated.v1",
            "opportunity.merged.v1",
            "opportunity.gap_created.v1",
            "opportunity..v1",
            "opportunity.updated",
            "course.updated.v1",
            "",
        ],
    ),
    "time": _optional(_TIMES, _WRONG_TIMES),
    "datacontenttype": _optional(["application/json"], ["", 1]),
    "dataschema": _optional(["urn:x"], ["", 1]),
    "orgid": _optional(_ORGANIZATIONS, _WRONG_ORGANIZATIONS),
    "sequence": Edge(
        [_SEQUENCE, "0" * 14 + "." + "0" * 20 + "." + "0" * 6, "9" * 14 + "." + "9" * 20 + "." + "9" * 6],
        [
            "",
            "1778192987000",
            _SEQUENCE[1:],
            _SEQUENCE[:-1],
            "0" + _SEQUENCE,
            _SEQUENCE + "0",
            _SEQUENCE + "\n",
            _SEQUENCE.replace(".", "-"),
            _SEQUENCE.replace(".0", ".", 1),
            "\u0663" + _SEQUENCE[1:],
            1778192987000,
        ],
    ),
    "subject": _optional(_IDS, _WRONG_IDS),
    "entity": _optional(["Opportunity"], ["", "Account", "OpportunityLineItem", 5]),
}
DATA = {
    "record_id": Edge(_IDS, _WRONG_IDS),
    "name": _optional(["Acme", ""], [5]),
    "amount": _optional([1, 1.5, -2], ["1", True]),
    "close_date": _optional(["2026-02-28"], ["2026-02-30", "28 Feb", "2026-02-28\n"]),
    "account_id": _optional(_IDS, _WRONG_IDS),
    "is_won": _optional([True, False], [1, "true"]),
    "system_modstamp": _optional(_TIMES, _WRONG_TIMES),
}

_NAMES = [["Name", "Address.City"], [], ["0x01", "4-0x02"], ["N" * 255]]
_WRONG_NAMES = ["Name", [1], ["N" * 256], {}]
_CHANGES = ["CREATE", "UPDATE", "DELETE", "UNDELETE"]
_OVERFLOW = "GAP_OVERFLOW"
HEADER = {
    "entityName": Edge(["Opportunity", "ContentVersion"], ["Account", "", 5]),
    "recordIds": Edge(
        [_IDS, [RECORD, OTHER_RECORD[:15]], _IDS[:1]],
        [[], RECORD, ["006*"], ["006SM*"], ["0" * 15 + "AAA"], ["0" * 15], *([one] for one in _WRONG_IDS)],
    ),
    "changeType": Edge(
        [*_CHANGES, *(f"GAP_{word}" for word in _CHANGES)],
        [_OVERFLOW, "GAP_GAP_CREATE", "GAP_", "SNAPSHOT", "update", "", 5],
    ),
    "sequenceNumber": Edge([0, 1, 9_999_999_999], [-1, 10**10, True, 1.0, "1"]),
    "commitTimestamp": Edge([0, 1778192987000, 10**14 - 1], [-1, 10**14, True, 1.0, "1"]),
    "commitNumber": _optional([0, 2**63 - 1], [-1, 2**63, True, "1", 1.0]),
    "transactionKey": Edge(["0000be70-a756-e601-9202-32967602a6be"], ["", 5]),
    "changeOrigin": _optional(["", "com/salesforce/api/rest/66.0;client=x"], [5]),
    "changedFields": Edge(_NAMES, _WRONG_NAMES),
    "nulledFields": _optional(_NAMES, _WRONG_NAMES),
    "diffFields": _optional(_NAMES, _WRONG_NAMES),
}
SOURCES = Edge(
    [
        SOURCE,
        SOURCE.replace(ORGANIZATION, ORGANIZATION[:15]),
        SOURCE.replace(ORGANIZATION, ORGANIZATION.lower()),
        f"aws.partner/salesforce.com/{ORGANIZATION}",
    ],
    [
        "aws.partner/salesforce.com",
        "aws.partner/salesforce.com/",
        SOURCE.replace(".", "x", 1),
        *(f"aws.partner/salesforce.com/{one}/x" for one in _WRONG_ORGANIZATIONS[1:]),
        5,
    ],
)
