"""Salesforce's side: what happened to which record, and the bytes that tell of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from passport_events.event import Change, Event, VersionKind
from passport_events.testing import (
    contract_message,
    organization_id,
    record_id,
    relay_message,
    sns_notification,
)
from passport_events.testing.factories import COMMITTED_MS
from tests.mirror.histories import Step

ENTITIES = {"opportunity": "Opportunity", "attachment": "Attachment", "item": "OpportunityLineItem"}
ECHO = "com/salesforce/api/rest/66.0;client=us"
"""The changeOrigin of what we wrote ourselves, in the settings of the model."""

_TYPES = {
    Change.CREATED: "CREATE",
    Change.UPDATED: "UPDATE",
    Change.DELETED: "DELETE",
    Change.UNDELETED: "UNDELETE",
}


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Record:
    """A record of one organization, and the type of its events."""

    organization: int
    event_type: str
    number: int

    @property
    def organization_id(self) -> str:
        """Salesforce's id of the organization."""
        return organization_id(self.organization)

    @property
    def record_id(self) -> str:
        """Salesforce's id of the record."""
        return record_id(ENTITIES[self.event_type], self.number)


Place = tuple[str, str, int]
"""Organization, record and second: no two events of the model share one, whatever wraps them."""


def place_of(event: Event) -> Place:
    """Where an event stands, as a handler sees it."""
    return event.organization, event.record_id, (event.version.milliseconds - COMMITTED_MS) // 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """A body on its way, and the events in it; none where nobody can read it."""

    body: bytes
    attributes: Mapping[str, str]
    places: tuple[Place, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Published:
    """One commit of Salesforce, which can be sent in several wrappings."""

    message: Mapping[str, Any]
    organization: str
    places: tuple[Place, ...]

    def wrapped(self, wrapping: str) -> Sent:
        """`relay`, `sns` or `bare`; each time under new ids of its envelope."""
        message: Mapping[str, Any] = self.message
        if "detail" in message:
            message = {**message, "id": f"{message['id']}-{wrapping}"}
        if wrapping == "bare" and "detail" in message:
            body, attributes = json.dumps(message["detail"]["payload"]), {"org_id": self.organization}
        elif wrapping == "sns":
            body, attributes = sns_notification(message), {}
        else:
            body, attributes = json.dumps(message), {}
        return Sent(body.encode(), attributes, self.places)


class Salesforce:
    """Every record with its true history: strictly versioned, one event for each second of a record."""

    def __init__(self) -> None:
        self.history: dict[Record, dict[int, Step]] = {}
        self.echoes: set[Place] = set()
        self.published: list[Published] = []

    def commit(self, records: Sequence[Record], step: Step, *, is_echo: bool) -> Published:
        """Let `step` happen to records of one type at its second, or at the next one free in all of them."""
        while any(step.at in self.history.get(record, {}) for record in records):
            step = dataclasses.replace(step, at=step.at + 1)
        for record in records:
            self.history.setdefault(record, {})[step.at] = step
        places = tuple((record.organization_id, record.record_id, step.at) for record in records)
        is_told = step.kind is VersionKind.COMMIT
        if is_echo and is_told:
            self.echoes.update(places)
        message = _relayed(records, step, is_echo=is_echo) if is_told else _contract(records[0], step)
        self.published.append(Published(message, records[0].organization_id, places))
        return self.published[-1]


def _relayed(records: Sequence[Record], step: Step, *, is_echo: bool) -> dict[str, Any]:
    change = _TYPES[step.change]
    return relay_message(
        ENTITIES[records[0].event_type],
        [record.record_id for record in records],
        f"GAP_{change}" if step.is_gap else change,
        step.fields,
        organization=records[0].organization_id,
        at_ms=_milliseconds(step),
        changed_fields=[*step.fields, *step.missing],
        origin=ECHO if is_echo else "",
    )


def _contract(record: Record, step: Step) -> dict[str, Any]:
    word = "upserted" if step.change is Change.SNAPSHOT else str(step.change)
    return contract_message(
        record.event_type,
        record.record_id,
        step.fields,
        word,
        organization=record.organization_id,
        at_ms=_milliseconds(step),
    )


def _milliseconds(step: Step) -> int:
    return COMMITTED_MS + step.at * 1000
