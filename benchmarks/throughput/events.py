"""The work: SNS-wrapped Event Relay events of about 2 KB, and what the records must say afterwards.

Every event carries all of its record's fields. So "the newest wins, row by row", which is what the
others do, ends in the same values as our merge, field by field.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from passport_events.testing.factories import (
    COMMITTED_MS,
    organization_id,
    record_id,
    relay_message,
    sns_notification,
)

RECORDS = 3_000
FULL = 10_000
"""Events that have so many records; fewer events have fewer, so that every run creates as large a part."""
ORGANIZATIONS = 15
BYTES = 2_048
HOT = 0
"""The number of the record that a part of the events may be about."""
STAGES = ("Inquiry", "Applied", "Admitted", "Enrolled", "Withdrawn")
_LETTERS = "abcdefghijklmnopqrstuvwxyz     "


@dataclass(frozen=True, slots=True)
class Work:
    """Bodies as SQS hands them out, and each record's fields once all of them are applied."""

    bodies: Sequence[str]
    expected: Mapping[str, Mapping[str, Any]]

    @property
    def count(self) -> int:
        """How many events; no two are the same."""
        return len(self.bodies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What may differ from the work that all contenders get."""

    organizations: int = ORGANIZATIONS
    bytes: int = BYTES
    """Of a body."""
    hot_share: float = 0
    """The part of the events that is about one record."""


USUAL = Shape()


def organizations(count: int = ORGANIZATIONS) -> list[str]:
    """The ids of all organizations."""
    return [organization_id(number) for number in range(count)]


@functools.lru_cache(maxsize=4)
def make(count: int, seed: int = 7, shape: Shape = USUAL, first: int = 0) -> Work:
    """`count` events of random records, in the order in which they happened. The first of each creates it.

    `first` events of the same records happened before.
    """
    chosen = random.Random(seed)
    records = max(1, min(RECORDS, RECORDS * count // FULL))
    if shape.organizations > ORGANIZATIONS:
        records = max(records, shape.organizations)  # each has one
    bodies: list[str] = []
    expected: dict[str, dict[str, Any]] = {}
    for position in range(count):
        is_hot = shape.hot_share and chosen.random() < shape.hot_share
        number = HOT if is_hot else chosen.randrange(records)
        record = record_id("Opportunity", number)
        fields = _fields(chosen, number)
        message = relay_message(
            "Opportunity",
            record,
            "UPDATE" if record in expected else "CREATE",
            fields,
            organization=organization_id(number % shape.organizations),
            at_ms=COMMITTED_MS + first + position,
        )
        room = shape.bytes - len(sns_notification(message)) - len('"Description": "", ')
        if "Description" in fields:
            text = "".join(chosen.choices(_LETTERS, k=max(0, room)))
            fields["Description"] = message["detail"]["payload"]["Description"] = text
        bodies.append(sns_notification(message))
        expected[record] = fields
    return Work(bodies, expected)


def _fields(chosen: random.Random, number: int) -> dict[str, Any]:
    return {
        "Name": f"Application {number}",
        "StageName": chosen.choice(STAGES),
        "Amount": chosen.randrange(100_000),
        "Probability": chosen.randrange(100),
        "CloseDate": f"2027-{chosen.randint(1, 12):02d}-{chosen.randint(1, 28):02d}",
        "IsWon": chosen.random() < 0.5,
        "LeadSource": None,
        "Description": "",
    }


def sns_id(body: str) -> str:
    """What SNS called a body: how a latency finds its event."""
    return str(json.loads(body)["MessageId"])
