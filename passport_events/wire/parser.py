"""Parse the bytes of a delivery into events, without side effects.

A new format needs a module and a line in `FORMATS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from passport_events.conf import Settings
from passport_events.event import Event, Identity
from passport_events.exceptions import Unreadable
from passport_events.wire import (
    cdc,
    cloudevents,
    eventbridge,
    organization_heartbeat,
    platform_event,
    s3_pointer,
    strict_json,
    unsupported,
)
from passport_events.wire.envelope import (
    Envelope,
    check_topic,
    is_sns,
    read_sns_message,
    unwrap_sns,
    unwrap_sqs,
)
from passport_events.wire.organization_heartbeat import OrganizationHeartbeat
from passport_events.wire.raw_delivery import RawDelivery

MAX_AHEAD = timedelta(days=1)
"""Accepted difference of a sender's clock ahead of SQS's."""


@dataclasses.dataclass(frozen=True, slots=True)
class WireFormat:
    """A supported format."""

    name: str
    matches: Callable[[dict[str, Any]], bool]
    """Tests the shape of a body. Never raises."""
    parse: Callable[[dict[str, Any], Envelope, Settings], tuple[Event, ...]]
    """Returns every event of a body. Raises Unreadable: a delivery is accepted or refused as a whole."""


# The first match parses the body, so change events stand before platform events.
FORMATS = (
    WireFormat("eventbridge-relay-cdc", eventbridge.matches_relay, eventbridge.parse_relay),
    WireFormat("appflow", eventbridge.matches_appflow, eventbridge.parse_appflow),
    WireFormat("platform-event", platform_event.matches, platform_event.parse),
    WireFormat("cloudevents", cloudevents.matches, cloudevents.parse),
    WireFormat("bare-cdc", cdc.matches_bare, cdc.parse_bare),
    WireFormat("cometd", cdc.matches_cometd, cdc.parse_cometd),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDelivery:
    """The result of a parsed delivery: events, a pointer to them, a heartbeat, or a refusal."""

    wire_format: str
    """Transport and format, like `sns+eventbridge-relay-cdc` or `raw+cloudevents`."""
    envelope: Envelope | None
    """None if the envelope is unreadable."""
    events: tuple[Event, ...]
    refusal: Unreadable | None
    arrived_as: tuple[str, str]
    """`sns` or `sqs`, and its message id. SNS has priority, because a redrive changes SQS's id."""
    pointer: s3_pointer.Pointer | None = None
    """The S3 object that has the events."""
    heartbeat: OrganizationHeartbeat | None = None
    """An organization's heartbeat. It is stored without a row of its own."""

    @property
    def fallback_identity(self) -> Identity:
        """Identity of a row without an event."""
        return Identity.of(*self.arrived_as)


def parse_delivery(
    received: RawDelivery, settings: Settings, outer: Envelope | None = None
) -> ParsedDelivery:
    """Read one delivery. Never raises, whatever the bytes are: hostile input is refused with a reason.

    `outer` is the envelope of a pointer whose payload these bytes are.
    """
    wrapping, name, sent_at = "raw", "unknown", received.sent_at
    envelope: Envelope | None = None
    events: tuple[Event, ...] = ()
    refusal: Unreadable | None = None
    pointer: s3_pointer.Pointer | None = None
    beat: OrganizationHeartbeat | None = None
    try:
        envelope = outer or unwrap_sqs(received)
        body = _parse(received.body, settings)
        if is_sns(body):
            wrapping, envelope = "sns", None
            envelope = unwrap_sns(received, body).within(outer)
            message = read_sns_message(body)
            check_topic(envelope, settings.allowed_topics)
            body = _parse(message, settings, " inside SNS Message")
        envelope = envelope.with_body(body)
        if s3_pointer.matches(body):
            name = s3_pointer.NAME
            pointer = s3_pointer.parse_pointer(body, settings, is_payload=outer is not None)
        # A heartbeat is never large, so one from S3 is parsed as an event and refused.
        elif outer is None and organization_heartbeat.matches(body, settings):
            name = organization_heartbeat.NAME
            beat = organization_heartbeat.parse_heartbeat(body, envelope, settings)
            _check_times([beat.sent_at], sent_at)
        else:
            found = _format_of(body)
            name = found.name if found else unsupported.name_format(body)
            events = found.parse(body, envelope, settings) if found else unsupported.refuse_format(name)
            _check_times([event.version.time for event in events], sent_at)
    except Unreadable as error:
        events, beat = (), None
        # The traceback and the context hold the payload, which must not be logged.
        refusal = error.with_traceback(None)
        refusal.__context__ = None
    return ParsedDelivery(
        wire_format=f"{wrapping}+{name}",
        envelope=envelope,
        events=events,
        refusal=refusal,
        arrived_as=_identify(received, outer or envelope),
        pointer=pointer,
        heartbeat=beat,
    )


def _identify(received: RawDelivery, envelope: Envelope | None) -> tuple[str, str]:
    if envelope and envelope.sns_message_id:
        return "sns", envelope.sns_message_id
    return "sqs", received.message_id


def _parse(body: bytes, settings: Settings, where: str = "") -> Any:
    try:
        return strict_json.loads(body, settings.max_body_bytes)
    except Unreadable as error:
        if error.reason == "invalid_json" and unsupported.is_soap(body):
            raise Unreadable("unsupported_format", f"SOAP outbound message{where}") from None
        raise Unreadable(error.reason, f"{error.detail}{where}".strip()) from None


def _check_times(times: Sequence[datetime], sent_at: datetime | None) -> None:
    """Refuse a version in the future: it would supersede every later change."""
    if sent_at and times and max(times) - sent_at > MAX_AHEAD:
        raise Unreadable("from_the_future", "it is from more than a day after SQS took the message")


def _format_of(body: Any) -> WireFormat | None:
    if not isinstance(body, dict):
        return None
    return next((one for one in FORMATS if one.matches(body)), None)
