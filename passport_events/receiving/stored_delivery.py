"""Parse a stored delivery again, with the current settings and formats."""

from __future__ import annotations

from datetime import timedelta

from passport_events.clock import convert_from_database
from passport_events.conf import Settings
from passport_events.models import Delivery
from passport_events.receiving.inbox import parse_safely
from passport_events.wire.envelope import Envelope
from passport_events.wire.parser import ParsedDelivery
from passport_events.wire.raw_delivery import EPOCH, RawDelivery
from passport_events.wire.s3_pointer import NAME

_POINTER_PAYLOAD = f"+{NAME}+"
"""Separates, in the wire format of a pointer's payload, the pointer's format from the payload's."""


def parse_stored(delivery: Delivery, settings: Settings) -> ParsedDelivery:
    """Parse the stored bytes of a delivery. Never raises; the bytes must not have been purged."""
    raw = rebuild_raw_delivery(delivery, bytes(delivery.body or b""))
    is_payload = _POINTER_PAYLOAD in delivery.wire_format
    return parse_safely(raw, settings, rebuild_envelope(delivery) if is_payload else None)


def derive_wire_format(delivery: Delivery, parsed: ParsedDelivery) -> str:
    """The current wire format of a stored delivery; a pointer's payload keeps the format of the pointer."""
    before, is_payload, _ = delivery.wire_format.partition(_POINTER_PAYLOAD)
    if not is_payload:
        return parsed.wire_format
    return f"{before}{_POINTER_PAYLOAD}{parsed.wire_format.removeprefix('raw+')}"


def rebuild_raw_delivery(delivery: Delivery, body: bytes) -> RawDelivery:
    """Build what SQS would deliver if it sent these bytes from the queue and at the time of `delivery`."""
    sent_at = convert_from_database(delivery.sent_at)
    attributes = {}
    if sent_at is not None:
        attributes["SentTimestamp"] = str((sent_at - EPOCH) // timedelta(milliseconds=1))
    # Binary ones are stored as base64 text, which the parser accepts.
    message_attributes = {
        name: {"DataType": "String", "StringValue": value} for name, value in delivery.attributes.items()
    }
    return RawDelivery(
        message_id=delivery.sqs_message_id,
        receipt_handle="",
        body=body,
        queue=delivery.queue,
        attributes=attributes,
        message_attributes=message_attributes,
    )


def rebuild_envelope(delivery: Delivery) -> Envelope:
    """Build the envelope of a stored delivery, from what its row keeps."""
    return Envelope(
        is_sns=bool(delivery.sns_message_id),
        sns_message_id=delivery.sns_message_id,
        topic_arn=delivery.topic_arn,
        published_at=convert_from_database(delivery.published_at),
        attributes=delivery.attributes,
        trace_context=delivery.trace_context,
    )
