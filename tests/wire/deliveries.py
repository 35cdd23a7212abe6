"""Deliveries to read: the samples, and small ones to say one thing with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from passport_events.conf import Settings
from passport_events.event import Event
from passport_events.exceptions import Unreadable
from passport_events.wire.parser import ParsedDelivery, parse_delivery
from passport_events.wire.raw_delivery import RawDelivery

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
SETTINGS = Settings(queue_url="http://127.0.0.1/q")

ORGANIZATION = "00D5f000005KcCnEAK"
OTHER_ORGANIZATION = "00DRM000000Fxts2AC"
RECORD = "006SM0000001Tb3YAE"
SOURCE = f"aws.partner/salesforce.com/{ORGANIZATION}/0YL5f000000CabWGAS"
TOPIC = "arn:aws:sns:us-east-1:123456789012:salesforce-events"


def sample(name: str) -> Any:
    """A sample as JSON."""
    return json.loads((SAMPLES / name).read_bytes())


def raw(body: object, message_id: str = "sqs-1", **attributes: str) -> RawDelivery:
    """What SQS hands us with raw delivery. Bytes are taken as they are."""
    return RawDelivery(
        message_id=message_id,
        receipt_handle="receipt",
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        attributes={"SentTimestamp": "1778192988123", "ApproximateReceiveCount": "1"},
        message_attributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def notification(message: object, **attributes: str) -> dict[str, Any]:
    """What SNS makes of a message. A string is taken as it is."""
    return {
        "Type": "Notification",
        "MessageId": "sns-1",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-05-07T22:29:48.679Z",
        "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in attributes.items()},
    }


def sns(message: object, **attributes: str) -> RawDelivery:
    """What SQS hands us where SNS wraps."""
    return raw(notification(message, **attributes))


def change_event(fields: dict[str, Any] | None = None, **header: Any) -> dict[str, Any]:
    """A change event of one opportunity: a CREATE, unless the header says something else."""
    usual = {
        "entityName": "Opportunity",
        "recordIds": [RECORD],
        "changeType": "CREATE",
        "changeOrigin": "com/salesforce/api/rest/66.0;client=SfdcInternalAPI/",
        "transactionKey": "0000be70-a756-e601-9202-32967602a6be",
        "sequenceNumber": 1,
        "commitTimestamp": 1778192987000,
        "commitNumber": 1778192987716501507,
        "commitUser": "005ak00000EpjsfAAB",
        "changedFields": [],
    }
    return {"ChangeEventHeader": usual | header, **(fields or {})}


def update(fields: dict[str, Any], changed: list[str], **header: Any) -> dict[str, Any]:
    """A change event that updates."""
    return change_event(fields, changeType="UPDATE", changedFields=changed, **header)


def relayed(payload: object, **members: Any) -> dict[str, Any]:
    """A change event as the Event Relay hands it on."""
    usual = {
        "version": "0",
        "id": "7e0c1c2e-6d2a-4e0e-9f0e-2b6d3f1c9a11",
        "detail-type": "OpportunityChangeEvent",
        "source": SOURCE,
        "detail": {"payload": payload},
    }
    return usual | members


def contract(data: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """A message of the contract, without the attributes that are given as None."""
    usual = {
        "specversion": "1.0",
        "id": "59ebff93-6ac2-42ee-b1a6-3ded4d03e4e4",
        "source": f"urn:salesforce:org:{ORGANIZATION}",
        "type": "edu.example.salesforce.opportunity.updated.v1",
        "subject": RECORD,
        "sequence": "01778192987000.01778192987716501507.000001",
        "data": {"Name": "Acme"} if data is None else data,
    }
    return {name: value for name, value in (usual | attributes).items() if value is not None}


def read(received: RawDelivery) -> ParsedDelivery:
    """Read with the default settings."""
    return parse_delivery(received, SETTINGS)


def events(body: object) -> tuple[Event, ...]:
    """The events of a body that can be read."""
    reading = read(raw(body))
    assert reading.refusal is None, str(reading.refusal)
    return reading.events


def event(body: object) -> Event:
    """The only event of a body."""
    (only,) = events(body)
    return only


def refusal(received: RawDelivery) -> Unreadable:
    """Why a delivery is refused."""
    reading = read(received)
    assert reading.refusal is not None
    assert reading.events == ()
    return reading.refusal


def why(body: object) -> tuple[str, str]:
    """Reason and detail of the refusal of a raw body."""
    found = refusal(raw(body))
    return found.reason, found.detail
