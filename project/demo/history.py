"""What may happen to one Salesforce record, invented from a seed."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from passport_events.testing import record_id

Invent = Callable[[Random], Any]

STAGES = ("Inquiry", "Application", "Admitted", "Deposit paid", "Enrolled", "Withdrawn")
EXTENSIONS = ("pdf", "docx", "png")
PRODUCTS = ("TUITION", "HOUSING", "MEAL-PLAN", "LAB-FEE")
FIRST_DAY = date(2026, 9, 1)

NULL_SHARE = 0.1
DELETED_SHARE = 0.2
UNDELETED_SHARE = 0.4
SAME_COMMIT_SHARE = 0.15
BEGINS_IN_THE_MIDDLE_SHARE = 0.05


class Kind(enum.StrEnum):
    """Salesforce's changeType."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    UNDELETE = "UNDELETE"

    @property
    def is_whole(self) -> bool:
        """Whether it carries every field."""
        return self in (Kind.CREATE, Kind.UNDELETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One commit to a record. `(at_ms, sequence)` is its place in the record's life."""

    kind: Kind
    at_ms: int
    sequence: int
    fields: Mapping[str, Any] = field(default_factory=dict)


def _file(rng: Random) -> str:
    return f"/files/{rng.randrange(10**9):09d}.{rng.choice(EXTENSIONS)}"


FIELDS: Mapping[str, Mapping[str, Invent]] = {
    "Opportunity": {
        "Name": lambda rng: f"Application {rng.randrange(10**6):06d}",
        "StageName": lambda rng: rng.choice(STAGES),
        "Amount": lambda rng: rng.randrange(100, 90_000),
        "CloseDate": lambda rng: (FIRST_DAY + timedelta(days=rng.randrange(365))).isoformat(),
    },
    "ContentVersion": {
        "Title": lambda rng: f"Document {rng.randrange(10**6):06d}",
        "VersionDataUrl": _file,
        "ContentSize": lambda rng: rng.randrange(1_000, 5_000_000),
    },
    "OpportunityLineItem": {
        "OpportunityId": lambda rng: record_id("Opportunity", rng.randrange(1, 1_000)),
        "ProductCode": lambda rng: rng.choice(PRODUCTS),
        "Quantity": lambda rng: rng.randrange(1, 9),
        "UnitPrice": lambda rng: rng.randrange(10, 9_000),
    },
}
"""Entity -> its fields, and how a value of each is made up."""


def history(rng: Random, entity: str, first_ms: int, length: int) -> list[Change]:
    """`length` changes of one record in the order in which Salesforce committed them."""
    at_ms, sequence, is_deleted = first_ms + rng.randrange(1_000), 1, False
    kind = Kind.CREATE
    if length > 1 and rng.random() < BEGINS_IN_THE_MIDDLE_SHARE:
        kind = Kind.UPDATE  # created before anybody listened
    changes = []
    for _ in range(length):
        changes.append(Change(kind=kind, at_ms=at_ms, sequence=sequence, fields=_fields(rng, entity, kind)))
        is_deleted = kind is Kind.DELETE
        if is_deleted and rng.random() > UNDELETED_SHARE:
            break
        kind = Kind.UNDELETE if is_deleted else Kind.UPDATE
        if not is_deleted and rng.random() < DELETED_SHARE:
            kind = Kind.DELETE
        if rng.random() < SAME_COMMIT_SHARE:
            sequence += 1  # the same transaction touched it again
        else:
            at_ms, sequence = at_ms + 1 + rng.randrange(60_000), 1
    return changes


def _fields(rng: Random, entity: str, kind: Kind) -> dict[str, Any]:
    inventions = FIELDS[entity]
    if kind is Kind.DELETE:
        return {}
    if kind.is_whole:
        return {name: invent(rng) for name, invent in inventions.items()}
    names = rng.sample(sorted(inventions), rng.randrange(1, len(inventions)))
    return {name: None if rng.random() < NULL_SHARE else inventions[name](rng) for name in names}
