"""A payload as SQS would hand it to us, so that the reader sees what it will see in production."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from passport_events.exceptions import Unreadable
from passport_events.wire import strict_json
from passport_events.wire.envelope import is_sns
from passport_events.wire.raw_delivery import RawDelivery

_MAX_CAPTURED_BYTES = 64 * 1024 * 1024
_DUMMY_ID = "not-sent"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRoute:
    """What the way to SQS would say about a payload that comes without its envelope."""

    at: datetime
    """When SQS would take it; a version from long after that is refused."""
    org_id: str = ""
    """The message attribute of that name."""
    topic_arn: str = ""
    """The SNS topic that it would be published to. With it the payload is read as SNS wraps it."""


def simulate_deliveries(body: bytes, journey: SimulatedRoute) -> list[RawDelivery]:
    """One delivery for a payload or a notification of SNS, one for each captured message of SQS."""
    value = _parse_body(body)
    if captured := _find_captured_messages(value):
        return [_build_captured_delivery(message) for message in captured]
    if journey.topic_arn and not is_sns(value):
        return [simulate_sns_delivery(body, journey)]
    attributes = {"org_id": {"DataType": "String", "StringValue": journey.org_id}} if journey.org_id else {}
    return [_build_delivery(body, attributes, journey)]


def simulate_sns_delivery(body: bytes, journey: SimulatedRoute) -> RawDelivery:
    """The notification that SNS would make of a body, whatever that is already."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _build_delivery(
            body, {}, journey
        )  # SNS takes text only; the reader refuses it with the place.
    attributes = {"org_id": {"Type": "String", "Value": journey.org_id}} if journey.org_id else {}
    notification = {
        "Type": "Notification",
        "MessageId": _DUMMY_ID,
        "TopicArn": journey.topic_arn,
        "Message": text,
        "MessageAttributes": attributes,
    }
    return _build_delivery(json.dumps(notification, ensure_ascii=False).encode(), {}, journey)


def _parse_body(body: bytes) -> object:
    try:
        return strict_json.loads(body, _MAX_CAPTURED_BYTES)
    except Unreadable:
        return None  # The reader says why.


def _find_captured_messages(value: object) -> list[dict[str, Any]]:
    """Messages as boto3 and `aws sqs receive-message` show them: alone, or listed as `Messages`."""
    if not isinstance(value, dict):
        return []
    listed = value.get("Messages")
    messages = listed if isinstance(listed, list) and listed else [value]
    return messages if all(map(_is_sqs_message, messages)) else []


def _is_sqs_message(message: object) -> bool:
    return isinstance(message, dict) and "MessageId" in message and isinstance(message.get("Body"), str)


def _build_captured_delivery(message: dict[str, Any]) -> RawDelivery:
    attributes = message.get("Attributes")
    typed = message.get("MessageAttributes")
    return RawDelivery(
        message_id=str(message["MessageId"]),
        receipt_handle=_DUMMY_ID,
        body=message["Body"].encode("utf-8", "surrogatepass"),
        attributes={name: value for name, value in attributes.items() if isinstance(value, str)}
        if isinstance(attributes, dict)
        else {},
        message_attributes=typed if isinstance(typed, dict) else {},
    )


def _build_delivery(
    body: bytes, attributes: Mapping[str, Mapping[str, Any]], journey: SimulatedRoute
) -> RawDelivery:
    return RawDelivery(
        message_id=_DUMMY_ID,
        receipt_handle=_DUMMY_ID,
        body=body,
        attributes={"SentTimestamp": str(int(journey.at.timestamp() * 1000))},
        message_attributes=attributes,
    )
