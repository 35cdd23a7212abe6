"""From the bytes of a delivery to events: pure, and the only place that knows a format.

A new format is one module and one line in `FORMATS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from passport_events.conf import Settings
from passport_events.event import Event, Identity
from passport_events.exceptions import Unreadable
from passport_events.receiving.received import Received
from passport_events.receiving.wire import cloudevents, eventbridge_relay, strict_json, unsupported
from passport_events.receiving.wire.envelope import Envelope, is_sns, message_in, of_queue, of_topic


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read."""

    name: str
    recognises: Callable[[dict[str, Any]], bool]
    """From the shape alone, without raising."""
    events: Callable[[dict[str, Any], Envelope, Settings], tuple[Event, ...]]
    """Everything that a message says, or Unreadable: a delivery is all or nothing."""


FORMATS = (
    Format("eventbridge-relay-cdc", eventbridge_relay.recognises, eventbridge_relay.events),
    Format("cloudevents", cloudevents.recognises, cloudevents.events),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a delivery turned out to be: events, or a refusal that says why there are none."""

    wire_format: str
    """How it came and what it is, like `sns+eventbridge-relay-cdc` or `raw+cloudevents`."""
    envelope: Envelope | None
    """None where the envelope itself could not be read."""
    events: tuple[Event, ...]
    refusal: Unreadable | None
    fallback_identity: Identity
    """For the row of a refused delivery: SNS's id where there is one, because SQS's changes."""


def read(received: Received, settings: Settings) -> Reading:
    """Read one delivery. Never raises, whatever the bytes are: hostile input is refused with a reason."""
    wrapping, name = "raw", "unknown"
    envelope: Envelope | None = None
    events: tuple[Event, ...] = ()
    refusal: Unreadable | None = None
    try:
        envelope = of_queue(received)
        body = _parse(received.body, settings)
        if is_sns(body):
            wrapping, envelope = "sns", None
            envelope = of_topic(received, body)
            body = _parse(message_in(body), settings, " inside SNS Message")
        envelope = envelope.holding(body)
        found = _format_of(body)
        name = found.name if found else unsupported.name_of(body)
        events = found.events(body, envelope, settings) if found else unsupported.refuse(name)
    except Unreadable as error:
        # Its frames and the errors before it hold the payload; a reason needs none of them.
        refusal = error.with_traceback(None)
        refusal.__context__ = None
    sns_message_id = envelope.sns_message_id if envelope else ""
    return Reading(
        wire_format=f"{wrapping}+{name}",
        envelope=envelope,
        events=events,
        refusal=refusal,
        fallback_identity=Identity.of("sns", sns_message_id)
        if sns_message_id
        else Identity.of("sqs", received.message_id),
    )


def _parse(body: bytes, settings: Settings, where: str = "") -> Any:
    try:
        return strict_json.loads(body, settings.max_body_bytes)
    except Unreadable as error:
        if error.reason == "invalid_json" and body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise Unreadable("unsupported_format", f"SOAP outbound message{where}") from None
        raise Unreadable(error.reason, f"{error.detail}{where}".strip()) from None


def _format_of(body: Any) -> Format | None:
    if not isinstance(body, dict):
        return None
    return next((one for one in FORMATS if one.recognises(body)), None)
