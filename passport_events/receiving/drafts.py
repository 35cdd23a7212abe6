"""What is to be stored for a delivery: rows that are not saved yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from passport_events import fingerprint
from passport_events.clock import ClockTimestamp, convert_to_database
from passport_events.conf import Settings
from passport_events.event import S3_POINTER, Event, Identity
from passport_events.models import Delivery, Mode, ProcessedMessage, Status
from passport_events.models.message import TEXT_OF_REASON
from passport_events.receiving.organization_cache import KnownOrganization
from passport_events.wire import ParsedDelivery
from passport_events.wire.organization_heartbeat import OrganizationHeartbeat
from passport_events.wire.organization_ids import find_claimed_organization
from passport_events.wire.raw_delivery import RawDelivery
from passport_events.wire.s3_pointer import Pointer

DETAIL_SEPARATOR = ": "
_ORGANIZATION_IN_DOUBT = ("organization_mismatch", "unexpected_topic")


@dataclasses.dataclass(slots=True)
class Draft:
    """One message that may be new, and the delivery that brought it."""

    received: RawDelivery
    reading: ParsedDelivery
    message: ProcessedMessage

    @property
    def collision_key(self) -> str:
        """The key under which it is kept if its own key already means something else."""
        return Identity.of("collision", self.message.dedup_key, self.message.content_hash).key

    def quarantine_as_collision(self) -> None:
        """The key is taken by other content: keep both, and let a person look."""
        self.message.dedup_key = self.collision_key
        quarantine(self.message, self.reading.wire_format, "key_collision")


def organizations_of(readings: Sequence[ParsedDelivery]) -> set[str]:
    """Every organization that these readings name."""
    beats = (reading.heartbeat for reading in readings)
    return {event.organization for reading in readings for event in reading.events} | {
        beat.organization for beat in beats if beat is not None
    }


def drafts_of(
    received: RawDelivery, reading: ParsedDelivery, known: Mapping[str, KnownOrganization]
) -> list[Draft]:
    """One draft for each event, or one for the whole delivery where it was refused, or is a pointer.

    The heartbeat of a known organization has none.
    """
    if reading.refusal is not None:
        refusal = reading.refusal
        message = quarantine(_without_event(reading), reading.wire_format, refusal.reason, refusal.detail)
        return [Draft(received, reading, message)]
    if reading.pointer is not None:
        return [Draft(received, reading, _message_of_pointer(reading, reading.pointer))]
    if reading.heartbeat is not None and reading.heartbeat.organization not in known:
        return [Draft(received, reading, _message_of_heartbeat(reading, reading.heartbeat))]
    return [Draft(received, reading, _message_of(event, reading, known)) for event in reading.events]


def _without_event(reading: ParsedDelivery) -> ProcessedMessage:
    return ProcessedMessage(
        dedup_key=reading.fallback_identity.key,
        identity=reading.fallback_identity.strength,
        organization_salesforce_id=_organization_of(reading),
    )


def _message_of_pointer(reading: ParsedDelivery, pointer: Pointer) -> ProcessedMessage:
    message = _without_event(reading)
    message.event_type, message.content = S3_POINTER, pointer.content()
    message.content_hash = pointer.content_hash()
    return _wait(message)


def _organization_of(reading: ParsedDelivery) -> str:
    """So that a refusal counts for its organization, unless which one it is was the problem."""
    in_doubt = reading.refusal is not None and reading.refusal.reason in _ORGANIZATION_IN_DOUBT
    return "" if in_doubt or reading.envelope is None else find_claimed_organization(reading.envelope)


def _message_of(
    event: Event, reading: ParsedDelivery, known: Mapping[str, KnownOrganization]
) -> ProcessedMessage:
    message = ProcessedMessage.from_event(event)
    organization = known.get(event.organization)
    if organization is None:
        return quarantine(message, reading.wire_format, "unknown_organization")
    message.organization_id = organization.pk
    if organization.mode is Mode.OFF:
        return _end(message, Status.IGNORED, "organization_off")
    return _wait(message)


def _wait(message: ProcessedMessage) -> ProcessedMessage:
    message.status, message.due_at = Status.WAITING, ClockTimestamp()
    return message


def _message_of_heartbeat(reading: ParsedDelivery, heartbeat: OrganizationHeartbeat) -> ProcessedMessage:
    """One row for all heartbeats of an organization that nobody has added: a person has to know, once."""
    identity = Identity.of("heartbeat", heartbeat.organization)
    message = ProcessedMessage(
        dedup_key=identity.key,
        identity=identity.strength,
        organization_salesforce_id=heartbeat.organization,
    )
    return quarantine(message, reading.wire_format, "unknown_organization_heartbeat")


def quarantine(
    message: ProcessedMessage, wire_format: str, reason: str, detail: str = ""
) -> ProcessedMessage:
    """Mark a row that is not saved yet as kept for a person, with the reason."""
    message.fingerprint = fingerprint.of_quarantine(wire_format, reason)
    return _end(message, Status.QUARANTINED, DETAIL_SEPARATOR.join(filter(None, (reason, detail))))


def _end(message: ProcessedMessage, status: Status, reason: str) -> ProcessedMessage:
    message.status, message.reason = status, reason[:TEXT_OF_REASON]
    message.due_at, message.finished_at = None, ClockTimestamp()
    return message


def quarantine_facts(message: ProcessedMessage, delivery: Delivery) -> dict[str, Any]:
    """The facts that are announced of a quarantined message: its reason, and ids to find it by."""
    return {
        "reason": message.reason.partition(":")[0],
        "organization": message.organization_salesforce_id,
        "record_id": message.record_id,
        "sqs_message_id": delivery.sqs_message_id,
        "delivery_id": delivery.pk,
        "dedup_key": message.dedup_key,
    }


def delivery_of(received: RawDelivery, reading: ParsedDelivery | None) -> Delivery:
    """The row that keeps the raw bytes, and the ids and times of the way here."""
    envelope = reading.envelope if reading else None
    return Delivery(
        body=received.body,
        body_size=len(received.body),
        wire_format=reading.wire_format if reading else "",
        queue=received.queue[:80],
        sqs_message_id=received.message_id[:128],
        sns_message_id=(envelope.sns_message_id if envelope else "")[:128],
        topic_arn=(envelope.topic_arn if envelope else "")[:512],
        attributes=dict(envelope.attributes) if envelope else {},
        trace_context=dict(envelope.trace_context) if envelope else {},
        published_at=convert_to_database((envelope.published_at if envelope else None) or received.sent_at),
        sent_at=convert_to_database(received.sent_at),
        received_at=ClockTimestamp(),
        receive_count=received.receive_count,
    )


def payload_of(pointer: Delivery, body: bytes, reading: ParsedDelivery) -> Delivery:
    """The row that keeps the bytes a pointer led to; they came the pointer's way, at its time."""
    format_of_payload = reading.wire_format.removeprefix("raw+")
    traced = reading.envelope or pointer
    return Delivery(
        body=body,
        body_size=len(body),
        wire_format=f"{pointer.wire_format}+{format_of_payload}",
        queue=pointer.queue,
        sqs_message_id=pointer.sqs_message_id,
        sns_message_id=pointer.sns_message_id,
        topic_arn=pointer.topic_arn,
        attributes=pointer.attributes,
        trace_context=dict(traced.trace_context),
        published_at=pointer.published_at,
        sent_at=pointer.sent_at,
        received_at=pointer.received_at,
        receive_count=pointer.receive_count,
    )


def refused_by_database(
    received: RawDelivery, identity: Identity, settings: Settings
) -> tuple[Delivery, ProcessedMessage]:
    """Rows for a delivery that the database would not take as it was read: the bytes and nothing else."""
    delivery = delivery_of(received, None)
    delivery.body = received.body[: settings.max_body_bytes]
    message = ProcessedMessage(dedup_key=identity.key, identity=identity.strength)
    return delivery, quarantine(message, "", "database_refused")
