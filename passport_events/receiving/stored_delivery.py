"""Reading a stored delivery again, with the settings and the formats of today."""

from __future__ import annotations

from datetime import timedelta

from passport_events.clock import convert_from_database
from passport_events.conf import Settings
from passport_events.models import Delivery
from passport_events.receiving.inbox import read_guarded
from passport_events.wire import ParsedDelivery
from passport_events.wire.envelope import Envelope
from passport_events.wire.raw_delivery import EPOCH, RawDelivery
from passport_events.wire.s3_pointer import NAME

_PAYLOAD_OF_POINTER = f"+{NAME}+"
"""In the wire format of what a pointer led to, behind that of the pointer."""


def reread(delivery: Delivery, settings: Settings) -> ParsedDelivery:
    """What the stored bytes of a delivery say now. Never raises; the bytes must still be there."""
    received = received_from(delivery, bytes(delivery.body or b""))
    is_payload = _PAYLOAD_OF_POINTER in delivery.wire_format
    return read_guarded(received, settings, envelope_of(delivery) if is_payload else None)


def wire_format_of(delivery: Delivery, reading: ParsedDelivery) -> str:
    """How a stored delivery is recognised now; what a pointer led to keeps the pointer's own format."""
    before, is_payload, _ = delivery.wire_format.partition(_PAYLOAD_OF_POINTER)
    if not is_payload:
        return reading.wire_format
    return f"{before}{_PAYLOAD_OF_POINTER}{reading.wire_format.removeprefix('raw+')}"


def received_from(delivery: Delivery, body: bytes) -> RawDelivery:
    """Bytes as if SQS handed them out at the place and time of a stored delivery."""
    sent_at = convert_from_database(delivery.sent_at)
    attributes = {}
    if sent_at is not None:
        attributes["SentTimestamp"] = str((sent_at - EPOCH) // timedelta(milliseconds=1))
    # Stored as text; reading takes the binary ones in base64 as well.
    said = {name: {"DataType": "String", "StringValue": value} for name, value in delivery.attributes.items()}
    return RawDelivery(
        message_id=delivery.sqs_message_id,
        receipt_handle="",
        body=body,
        queue=delivery.queue,
        attributes=attributes,
        message_attributes=said,
    )


def envelope_of(delivery: Delivery) -> Envelope:
    """The envelope of a stored delivery, as far as its row keeps it."""
    return Envelope(
        is_sns=bool(delivery.sns_message_id),
        sns_message_id=delivery.sns_message_id,
        topic_arn=delivery.topic_arn,
        published_at=convert_from_database(delivery.published_at),
        attributes=delivery.attributes,
        trace_context=delivery.trace_context,
    )
