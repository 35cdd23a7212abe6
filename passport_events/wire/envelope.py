"""What stands around the event: SNS's notification, or SQS alone when delivery is raw.

With raw delivery SNS hands on the message itself and its attributes as SQS's; otherwise the body is
a JSON object with the message as a string inside and the attributes beside it. Which of the two is
seen from the shape, so that a change of the subscription needs none here. Formats: "Amazon SNS
message format for HTTP/S and SQS" and "raw message delivery" in the SNS Developer Guide.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from passport_events.exceptions import Unreadable
from passport_events.wire import strict_json, trace_context
from passport_events.wire.change_event_header import HEADER_NAME
from passport_events.wire.json_fields import safe_name
from passport_events.wire.raw_delivery import RawDelivery

_NOTIFICATION = "Notification"
_CONTROL = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_MAX_MESSAGE_ID = 128
_MAX_TOPIC_ARN = 512


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the way here says about a message, beside the message itself."""

    is_sns: bool
    """Whether SNS wrapped it. With raw delivery SNS leaves neither its id nor its topic."""
    sns_message_id: str = ""
    topic_arn: str = ""
    published_at: datetime | None
    """SNS's timestamp, else SQS's, in UTC."""
    attributes: Mapping[str, str] = dataclasses.field(repr=False)
    """Message attributes as text, binary ones in base64."""
    trace_context: Mapping[str, str]
    """The publisher's trace headers, ready for a propagator."""
    body: object = dataclasses.field(default=None, repr=False)
    """The parsed JSON inside; None where it could not be parsed."""
    outer: Envelope | None = None
    """That of the pointer which led here, where SNS's own stands inside the payload."""

    def with_body(self, body: object) -> Self:
        """The same with its body, which may carry a trace where the attributes do not."""
        found = {} if self.is_traced else trace_context.read_body(body)
        return dataclasses.replace(self, body=body, trace_context={**found, **self.trace_context})

    def within(self, outer: Envelope | None) -> Self:
        """The same within a pointer's envelope, whose trace goes on; None changes nothing."""
        if outer is None:
            return self
        found = {} if outer.is_traced else self.trace_context
        return dataclasses.replace(self, outer=outer, trace_context={**found, **outer.trace_context})

    @property
    def is_traced(self) -> bool:
        """Whether a tracer of the publisher's left headers; AWS's own header is no trace of theirs."""
        return not self.trace_context.keys() <= {trace_context.AWS_HEADER}


def is_sns(outer: object) -> bool:
    """Whether a parsed body is one of SNS's own. `Type` is a field of Salesforce's objects too."""
    return (
        isinstance(outer, dict)
        and HEADER_NAME not in outer
        and outer.get("Type") in (_NOTIFICATION, *_CONTROL)
    )


def unwrap_sqs(received: RawDelivery) -> Envelope:
    """The envelope of a message that nothing wraps.

    Raises Unreadable: `bad_envelope`, or `nul_char` and `bad_unicode` in an attribute.
    """
    attributes = _read_attributes(received.message_attributes, _read_raw_value)
    return Envelope(
        is_sns=False,
        published_at=received.sent_at,
        attributes=attributes,
        trace_context=trace_context.read_attributes(attributes, received.attributes),
    )


def unwrap_sns(received: RawDelivery, outer: Mapping[str, Any]) -> Envelope:
    """SNS's envelope. Raises Unreadable `bad_envelope`."""
    wrapped = outer.get("MessageAttributes", {})
    if not isinstance(wrapped, dict):
        raise Unreadable("bad_envelope", "MessageAttributes must be an object")
    attributes = _read_attributes(wrapped, _read_wrapped_value)
    return Envelope(
        is_sns=True,
        sns_message_id=_read_id(outer, "MessageId", _MAX_MESSAGE_ID),
        topic_arn=_read_id(outer, "TopicArn", _MAX_TOPIC_ARN),
        published_at=parse_utc(outer.get("Timestamp")) or received.sent_at,
        attributes=attributes,
        trace_context=trace_context.read_attributes(attributes, received.attributes),
    )


def read_sns_message(outer: Mapping[str, Any]) -> bytes:
    """What SNS wrapped. Raises Unreadable `control_message` or `bad_envelope`.

    A control message asks for an HTTP call to a URL it brings; none is ever made.
    """
    if outer["Type"] in _CONTROL:
        raise Unreadable("control_message", outer["Type"])
    message = outer.get("Message")
    if not isinstance(message, str):
        raise Unreadable("bad_envelope", "Message must be a string")
    return message.encode()


def check_topic(envelope: Envelope, allowed: Collection[str]) -> None:
    """Raise Unreadable `unexpected_topic` unless SNS's topic is allowed; an empty list allows any."""
    if allowed and envelope.topic_arn not in allowed:
        raise Unreadable("unexpected_topic", "TopicArn is not in ALLOWED_TOPICS")


def parse_utc(value: object) -> datetime | None:
    """An ISO 8601 time with its offset, in UTC; a wrong one is no reason to refuse an event."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        utc = None if time is None or time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # A project without USE_TZ stores local time, which the first and last years have no room for.
    return utc if utc and 1970 <= utc.year < 9999 else None


def _read_id(outer: Mapping[str, Any], name: str, longest: int) -> str:
    value = outer.get(name)
    if isinstance(value, str) and 0 < len(value) <= longest:
        return value
    if outer["Type"] in _CONTROL:
        return ""  # It is refused anyway, and for the better reason.
    raise Unreadable("bad_envelope", f"{name} must be a string of 1 to {longest} characters")


def _read_attributes(
    found: Mapping[str, Any], value_of: Callable[[Mapping[str, Any]], object]
) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, attribute in found.items():
        value = value_of(attribute) if isinstance(attribute, Mapping) else None
        if not isinstance(value, str):
            raise Unreadable("bad_envelope", f"attribute {safe_name(name)} must have a type and a value")
        strict_json.check_text(name + value)
        texts[name] = value
    return texts


def _read_wrapped_value(attribute: Mapping[str, Any]) -> object:
    return attribute.get("Value")  # SNS writes binary ones in base64 already.


def _read_raw_value(attribute: Mapping[str, Any]) -> object:
    if not str(attribute.get("DataType", "")).startswith("Binary"):
        return attribute.get("StringValue")
    value = attribute.get("BinaryValue")
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
