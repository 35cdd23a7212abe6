"""Decide the outcome of messages whose stored bytes are parsed again.

This reads the database and writes nothing, so a preview uses it too.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Iterator, Mapping, Sequence

from passport_events import conf, fingerprint
from passport_events.exceptions import Unreadable
from passport_events.models import Delivery, Mode, ProcessedMessage, SalesforceOrganization, Status
from passport_events.models.message import TEXT_OF_REASON
from passport_events.receiving.drafts import DETAIL_SEPARATOR, Draft, collect_organization_ids, create_drafts
from passport_events.receiving.inbox import find_stored_keys, select_new
from passport_events.receiving.organization_cache import KnownOrganization
from passport_events.receiving.stored_delivery import derive_wire_format, parse_stored, rebuild_raw_delivery
from passport_events.wire.parser import ParsedDelivery

HEARTBEAT = "organization_heartbeat"


class ReprocessResult(enum.Enum):
    """The kind of an outcome."""

    READ = "read"
    DUPLICATE = "duplicate"
    HELD = "held"


@dataclasses.dataclass(frozen=True, slots=True)
class ReprocessOutcome:
    """The outcome of one held message."""

    message: ProcessedMessage
    result: ReprocessResult
    status: Status
    reason: str
    draft: ProcessedMessage | None = None
    """The event that the message becomes; None if it stays as it is."""
    fingerprint: str = ""

    @property
    def is_changed(self) -> bool:
        """True if the row changes."""
        before = self.message
        return (
            self.result is not ReprocessResult.HELD
            or (before.reason, before.fingerprint) != (self.reason, self.fingerprint)
            or (self.draft is not None and before.content_hash != self.draft.content_hash)
        )


@dataclasses.dataclass(slots=True)
class ReprocessOutcomes:
    """The outcomes of some messages, and the further events of their deliveries."""

    outcomes: list[ReprocessOutcome]
    added: list[ProcessedMessage]
    """Further events of the deliveries, which have no row yet."""
    formats: list[Delivery]
    """Deliveries whose wire format changes."""


def decide(messages: Sequence[ProcessedMessage]) -> ReprocessOutcomes:
    """Parse the deliveries of these messages again, with today's settings and organizations."""
    deliveries = Delivery.objects.in_bulk({message.delivery_id for message in messages})
    parts = [
        _StoredDelivery(delivery, [message for message in messages if message.delivery_id == pk])
        for pk, delivery in sorted(deliveries.items())
    ]
    organizations = _load_organizations(collect_organization_ids(part.reading for part in parts))
    for part in parts:
        part.match(organizations)
    left = [draft for part in parts for draft in part.left]
    stored = find_stored_keys(left) if left else {}
    fresh = {id(draft) for draft in select_new(left, stored)}
    twins = _find_twins([draft for draft in left if id(draft) not in fresh])
    decided = ReprocessOutcomes([], [], [part.delivery for part in parts if part.is_recognised_anew()])
    for part in parts:
        part.decide(fresh, twins, decided)
    return decided


def _load_organizations(ids: Collection[str]) -> dict[str, KnownOrganization]:
    """From the database: the cache may not have a new organization yet."""
    rows = SalesforceOrganization.objects.filter(salesforce_id__in=ids)
    found = rows.values_list("pk", "salesforce_id", "mode")
    return {key: KnownOrganization(pk, key, Mode(mode)) for pk, key, mode in found}


def _find_twins(drafts: Sequence[Draft]) -> dict[str, int]:
    keys = {draft.message.dedup_key for draft in drafts}
    return dict(ProcessedMessage.objects.filter(dedup_key__in=keys).values_list("dedup_key", "pk"))


class _StoredDelivery:
    """One delivery and its held messages."""

    def __init__(self, delivery: Delivery, messages: list[ProcessedMessage]) -> None:
        self.delivery = delivery
        self._messages = messages
        self.reading = _parse_stored(delivery, messages)
        self._matched: dict[int, Draft] = {}
        self.left: list[Draft] = []
        """Drafts whose dedup keys match none of the messages."""

    def match(self, organizations: Mapping[str, KnownOrganization]) -> None:
        """Match the messages with the parsed events by dedup key."""
        if self.reading.refusal is not None:
            return
        raw = rebuild_raw_delivery(self.delivery, bytes(self.delivery.body or b""))
        drafts = create_drafts([(raw, self.reading)], organizations)
        own = {message.dedup_key: message.pk for message in self._messages}
        for draft in drafts:
            key = own.get(draft.message.dedup_key)
            if key is None:
                self.left.append(draft)
            else:
                self._matched[key] = draft

    def is_recognised_anew(self) -> bool:
        """Set the wire format of today; returns True if it changes."""
        before = self.delivery.wire_format
        self.delivery.wire_format = derive_wire_format(self.delivery, self.reading)
        return self.delivery.wire_format != before

    def decide(self, fresh: Collection[int], twins: Mapping[str, int], decided: ReprocessOutcomes) -> None:
        """Add the outcomes of the messages, and the events without a message."""
        by_key = {message.dedup_key: message.pk for message in self._messages}
        for one in self.left:
            # A collision gets its own key in `only_new`.
            if (pk := by_key.get(one.message.dedup_key)) is not None:
                self._matched[pk] = one
        new = [draft for draft in self.left if id(draft) in fresh]
        for message in self._messages:
            draft = self._matched.get(message.pk) or _take_one_like(message, new)
            decided.outcomes.append(self._build_outcome(message, draft, twins))
        for one in new:
            one.message.delivery = self.delivery
            decided.added.append(one.message)

    def _build_outcome(
        self, message: ProcessedMessage, draft: Draft | None, twins: Mapping[str, int]
    ) -> ReprocessOutcome:
        if draft is not None:
            row = draft.message
            status = Status(row.status)
            result = (
                ReprocessResult.HELD
                if status in (message.status, Status.QUARANTINED)
                else ReprocessResult.READ
            )
            # Of a row that is not saved it is an expression, unless a quarantine wrote it.
            group = row.fingerprint if status is Status.QUARANTINED else ""
            return ReprocessOutcome(message, result, status, row.reason, row, group)
        refusal = self.reading.refusal
        if refusal is not None and message.status == Status.QUARANTINED:
            group = fingerprint.compute_quarantine_fingerprint(
                derive_wire_format(self.delivery, self.reading), refusal.reason
            )
            said = DETAIL_SEPARATOR.join(filter(None, (refusal.reason, refusal.detail)))
            return ReprocessOutcome(
                message, ReprocessResult.HELD, Status.QUARANTINED, said[:TEXT_OF_REASON], None, group
            )
        if refusal is None and self.reading.heartbeat is not None:
            return ReprocessOutcome(message, ReprocessResult.READ, Status.IGNORED, HEARTBEAT)
        twin = next(
            (twins[row.dedup_key] for row in self._find_like(message) if row.dedup_key in twins), None
        )
        if twin is not None:
            return ReprocessOutcome(
                message, ReprocessResult.DUPLICATE, Status.IGNORED, f"duplicate of message {twin}"
            )
        # The delivery does not have this event under today's settings: the message stays as it is.
        return ReprocessOutcome(
            message, ReprocessResult.HELD, Status(message.status), message.reason, None, message.fingerprint
        )

    def _find_like(self, message: ProcessedMessage) -> Iterator[ProcessedMessage]:
        rows = (draft.message for draft in self.left)
        return (row for row in rows if message.record_id in ("", row.record_id))


def _take_one_like(message: ProcessedMessage, new: list[Draft]) -> Draft | None:
    """Remove and return the first new event of the message's record, or of any record if it has none."""
    for draft in new:
        if message.record_id in ("", draft.message.record_id):
            new.remove(draft)
            return draft
    return None


def _parse_stored(delivery: Delivery, messages: Sequence[ProcessedMessage]) -> ParsedDelivery:
    if delivery.body and len(delivery.body) == delivery.body_size:
        return parse_stored(delivery, conf.get_settings())
    # The bytes were too large to store, or were erased for another record. The messages still have
    # their events.
    events = tuple(message.to_event() for message in messages if message.record_id and message.content)
    return ParsedDelivery(
        wire_format=delivery.wire_format,
        envelope=None,
        events=events,
        refusal=None if events else Unreadable("database_refused"),
        arrived_as=("sqs", delivery.sqs_message_id),
    )
