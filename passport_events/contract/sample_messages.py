"""One message of each kind that is right, and one with a mistake that people make.

Nobody in them exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from passport_events.contract import build_schema_id

_ORGANIZATION = "00D5f000005KcCnEAK"
_OPPORTUNITY = "006SM0000001Tb3YAE"
_ATTACHMENT = "00PSM000000Zq2w2AC"
_ITEM = "00kSM000000Abc1YAC"


def _event(kind: str, change: str, record: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "59ebff93-6ac2-42ee-b1a6-3ded4d03e4e4",
        "source": f"urn:salesforce:org:{_ORGANIZATION}",
        "type": f"edu.example.salesforce.{kind}.{change}.v1",
        "subject": record,
        "time": "2026-05-07T22:29:48Z",
        "datacontenttype": "application/json",
        "dataschema": build_schema_id(kind),
        "orgid": _ORGANIZATION,
        "sequence": "01778192987000.01778192987716501507.000001",
        "data": {"record_id": record, **data, "system_modstamp": "2026-05-07T22:29:47.000Z"},
    }


_OPPORTUNITY_UPDATED = _event(
    "opportunity", "updated", _OPPORTUNITY, {"stage_name": "Offer Sent", "close_date": None}
)
_ATTACHMENT_UPSERTED = _event(
    "attachment",
    "upserted",
    _ATTACHMENT,
    {"parent_id": _OPPORTUNITY, "name": "transcript.pdf", "content_type": "application/pdf", "size": 482113},
) | {"entity": "Attachment"}
_ITEM_CREATED = _event(
    "item",
    "created",
    _ITEM,
    {
        "opportunity_id": _OPPORTUNITY,
        "product_id": "01tSM000000Prd1YAC",
        "name": "Algebra I",
        "quantity": 1,
        "unit_price": 1250.5,
        "total_price": 1250.5,
    },
)
_HEARTBEAT = {
    "specversion": "1.0",
    "id": "5d0a6f52-0a3e-4f0b-a3a5-0a4b6f3c9d10",
    "source": f"urn:salesforce:org:{_ORGANIZATION}",
    "type": "edu.example.salesforce.heartbeat.v1",
    "time": "2026-05-07T22:30:00Z",
    "dataschema": build_schema_id("heartbeat"),
}
_HEADER = {
    "entityName": "Opportunity",
    "recordIds": [_OPPORTUNITY],
    "changeType": "UPDATE",
    "changeOrigin": "com/salesforce/api/rest/66.0;client=SfdcInternalAPI/",
    "transactionKey": "0000be70-a756-e601-9202-32967602a6be",
    "sequenceNumber": 1,
    "commitTimestamp": 1778192987000,
    "commitNumber": 1778192987716501507,
    "commitUser": "005ak00000EpjsfAAB",
    "changedFields": ["StageName", "LastModifiedDate"],
}
_CHANGE_EVENT = {
    "version": "0",
    "id": "7e0c1c2e-6d2a-4e0e-9f0e-2b6d3f1c9a11",
    "detail-type": "OpportunityChangeEvent",
    "source": f"aws.partner/salesforce.com/{_ORGANIZATION}/0YL5f000000CabWGAS",
    "account": "111122223333",
    "time": "2026-05-07T22:29:48Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {
        "payload": {
            "ChangeEventHeader": _HEADER,
            "StageName": "Offer Sent",
            "LastModifiedDate": "2026-05-07T22:29:47.000Z",
        }
    },
}

VALID: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "opportunity": _OPPORTUNITY_UPDATED,
        "attachment": _ATTACHMENT_UPSERTED,
        "item": _ITEM_CREATED,
        "heartbeat": _HEARTBEAT,
        "change_event": _CHANGE_EVENT,
    }
)
INVALID: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # Milliseconds alone: "9" would sort after "10".
        "opportunity": _OPPORTUNITY_UPDATED | {"sequence": "1778192987000"},
        # Nothing says whose it is.
        "attachment": {
            name: value for name, value in _ATTACHMENT_UPSERTED.items() if name not in {"source", "orgid"}
        }
        | {"source": "/mulesoft/attachments"},
        # Two records.
        "item": _ITEM_CREATED | {"subject": "00kSM000000Abc2YAC"},
        # Two organizations.
        "heartbeat": _HEARTBEAT | {"orgid": "00DRM000000Fxts2AC"},
        # A rule that forwards only `$.detail.payload` loses the organization; one that rewrites does, too.
        "change_event": _CHANGE_EVENT | {"source": "aws.partner/salesforce.com/"},
    }
)
