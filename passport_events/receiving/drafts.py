"""Drafts: unsaved rows for the deliveries and messages to store. Pure; reads no database."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from passport_events import fingerprint
from passport_events.clock import ClockTimestamp, convert_to_database
from passport_events.conf import Settings
from passport_events.event import S3_POINTER, Event, Identity
from passport_events.models import Delivery, Mode, ProcessedMessage, Status
from passport_events.models.message import TEXT_OF_REASON
from passport_events.receiving.organization_cache import KnownOrganization
from passport_events.wire.organization_heartbeat import OrganizationHeartbeat
from passport_events.wire.organization_ids import find_claimed_organization
from passport_events.wire.parser import ParsedDelivery
from passport_events.wire.raw_delivery import RawDelivery
from passport_events.wire.s3_pointer import Pointer

DETAIL_SEPARATOR = ": "
_ORGANIZATION_IN_DOUBT = ("organization_mismatch", "unexpected_topic")


@dataclasses.dataclass(slots=True)
class Draft:
    """An unsaved message, and the delivery that brought it. It may be a duplicate."""

    raw: RawDelivery
    parsed: ParsedDelivery
    message: ProcessedMessage

    @property
    def collision_key(self) -> str:
        """The key to store it under if its own key belongs to other content."""
        return Identity.of("collision", self.message.dedup_key, self.message.content_hash).key

    def quarantine_as_collision(self) -> None:
        """Keep it under its collision key; an operator compares the two."""
        self.message.dedup_key = self.collision_key
        quarantine(self.message, self.parsed.wire_format, "key_collision")


def collect_organization_ids(parsed: Iterable[ParsedDelivery]) -> set[str]:
    """Collect the Salesforce ids of all organizations that these deliveries name."""
    ids: set[str] = set()
    for one in parsed:
        ids.update(event.organization for event in one.events)
        if one.heartbeat is not None:
            ids.add(one.heartbeat.organization)
    return ids


def create_drafts(
    parsed: Iterable[tuple[RawDelivery, ParsedDelivery]], organizations: Mapping[str, KnownOrganization]
) -> list[Draft]:
    """Create a draft for each event, and one for a delivery that was refused or is a pointer.

    The heartbeat of a known organization has no draft.
    """
    return [
        Draft(raw, one, message) for raw, one in parsed for message in _create_messages(one, organizations)
    ]


def _create_messages(
    parsed: ParsedDelivery, organizations: Mapping[str, KnownOrganization]
) -> list[ProcessedMessage]:
    if parsed.refusal is not None:
        reason, detail = parsed.refusal.reason, parsed.refusal.detail
        return [quarantine(_create_without_event(parsed), parsed.wire_format, reason, detail)]
    if parsed.pointer is not None:
        return [_create_for_pointer(parsed, parsed.pointer)]
    if parsed.heartbeat is not None and parsed.heartbeat.organization not in organizations:
        return [_create_for_heartbeat(parsed, parsed.heartbeat)]
    return [_create_for_event(event, parsed, organizations) for event in parsed.events]


def _create_without_event(parsed: ParsedDelivery) -> ProcessedMessage:
    return ProcessedMessage(
        dedup_key=parsed.fallback_identity.key,
        identity=parsed.fallback_identity.strength,
        organization_salesforce_id=_find_organization(parsed),
    )


def _create_for_pointer(parsed: ParsedDelivery, pointer: Pointer) -> ProcessedMessage:
    message = _create_without_event(parsed)
    message.event_type, message.content = S3_POINTER, pointer.content()
    message.content_hash = pointer.content_hash()
    return _set_waiting(message)


def _find_organization(parsed: ParsedDelivery) -> str:
    """The organization a refusal counts for; empty if the refusal was about the organization."""
    in_doubt = parsed.refusal is not None and parsed.refusal.reason in _ORGANIZATION_IN_DOUBT
    return "" if in_doubt or parsed.envelope is None else find_claimed_organization(parsed.envelope)


def _create_for_event(
    event: Event, parsed: ParsedDelivery, organizations: Mapping[str, KnownOrganization]
) -> ProcessedMessage:
    message = ProcessedMessage.from_event(event)
    organization = organizations.get(event.organization)
    if organization is None:
        return quarantine(message, parsed.wire_format, "unknown_organization")
    message.organization_id = organization.pk
    if organization.mode is Mode.OFF:
        return _set_final(message, Status.IGNORED, "organization_off")
    return _set_waiting(message)


def _set_waiting(message: ProcessedMessage) -> ProcessedMessage:
    message.status, message.due_at = Status.WAITING, ClockTimestamp()
    return message


def _create_for_heartbeat(parsed: ParsedDelivery, heartbeat: OrganizationHeartbeat) -> ProcessedMessage:
    """All heartbeats of an unknown organization share one row, which tells an operator to add it."""
    identity = Identity.of("heartbeat", heartbeat.organization)
    message = ProcessedMessage(
        dedup_key=identity.key,
        identity=identity.strength,
        organization_salesforce_id=heartbeat.organization,
    )
    return quarantine(message, parsed.wire_format, "unknown_organization_heartbeat")


def quarantine(
    message: ProcessedMessage, wire_format: str, reason: str, detail: str = ""
) -> ProcessedMessage:
    """Mark an unsaved message as quarantined."""
    message.fingerprint = fingerprint.compute_quarantine_fingerprint(wire_format, reason)
    return _set_final(message, Status.QUARANTINED, DETAIL_SEPARATOR.join(filter(None, (reason, detail))))


def _set_final(message: ProcessedMessage, status: Status, reason: str) -> ProcessedMessage:
    message.status, message.reason = status, reason[:TEXT_OF_REASON]
    message.due_at, message.finished_at = None, ClockTimestamp()
    return message


def describe_quarantine(message: ProcessedMessage, delivery: Delivery) -> dict[str, Any]:
    """The facts of the notification: the reason, and ids by which an operator finds the message."""
    return {
        "reason": message.reason.partition(":")[0],
        "organization": message.organization_salesforce_id,
        "record_id": message.record_id,
        "sqs_message_id": delivery.sqs_message_id,
        "delivery_id": delivery.pk,
        "dedup_key": message.dedup_key,
    }


def build_rows(drafts: Iterable[Draft]) -> list[tuple[Delivery, list[ProcessedMessage]]]:
    """Create the deliveries of some drafts, each with its messages."""
    rows: dict[int, tuple[Delivery, list[ProcessedMessage]]] = {}
    for draft in drafts:
        if id(draft.raw) not in rows:
            rows[id(draft.raw)] = (create_delivery(draft.raw, draft.parsed), [])
        rows[id(draft.raw)][1].append(draft.message)
    return list(rows.values())


def create_delivery(raw: RawDelivery, parsed: ParsedDelivery | None) -> Delivery:
    """Create the row with the raw bytes, the ids of SQS and SNS, and the times of sending and receiving."""
    envelope = parsed.envelope if parsed else None
    return Delivery(
        body=raw.body,
        body_size=len(raw.body),
        wire_format=parsed.wire_format if parsed else "",
        queue=raw.queue[:80],
        sqs_message_id=raw.message_id[:128],
        sns_message_id=(envelope.sns_message_id if envelope else "")[:128],
        topic_arn=(envelope.topic_arn if envelope else "")[:512],
        attributes=dict(envelope.attributes) if envelope else {},
        trace_context=dict(envelope.trace_context) if envelope else {},
        published_at=convert_to_database((envelope.published_at if envelope else None) or raw.sent_at),
        sent_at=convert_to_database(raw.sent_at),
        received_at=ClockTimestamp(),
        receive_count=raw.receive_count,
    )


def create_payload_delivery(pointer: Delivery, body: bytes, parsed: ParsedDelivery) -> Delivery:
    """Create the row with the bytes that a pointer names; ids and times are those of the pointer."""
    payload_format = parsed.wire_format.removeprefix("raw+")
    traced = parsed.envelope or pointer
    return Delivery(
        body=body,
        body_size=len(body),
        wire_format=f"{pointer.wire_format}+{payload_format}",
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


def create_bytes_only_rows(
    raw: RawDelivery, identity: Identity, settings: Settings
) -> tuple[Delivery, ProcessedMessage]:
    """Create rows for a delivery whose parsed values the database refused: its bytes, and one message."""
    delivery = create_delivery(raw, None)
    delivery.body = raw.body[: settings.max_body_bytes]
    message = ProcessedMessage(dedup_key=identity.key, identity=identity.strength)
    return delivery, quarantine(message, "", "database_refused")
