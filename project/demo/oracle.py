"""What mirror and tables must hold at the end. It shares no code with `passport_events.mirror`.

It knows every change of a record beforehand, sorts them once and applies them one after the other,
which is just what the package cannot do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from project.demo.history import Change, Kind

RecordKey = tuple[str, str]
"""Salesforce's ids of the organization and of the record."""
Row = tuple[Any, ...]
"""The values of a row of the monolith, beside its key."""


@dataclass(frozen=True, slots=True)
class MirrorRow:
    """What the mirror says about a record. Empty fields are left out."""

    fields: Mapping[str, Any]
    is_deleted: bool
    is_complete: bool


def mirror_row(changes: Iterable[Change]) -> MirrorRow:
    """A record after all of its changes."""
    fields: dict[str, Any] = {}
    is_deleted = is_complete = False
    for change in sorted(changes, key=lambda change: (change.at_ms, change.sequence)):
        if change.kind is Kind.UPDATE:
            fields |= change.fields
        else:
            fields = dict(change.fields)
            is_deleted, is_complete = change.kind is Kind.DELETE, change.kind.is_whole
    known = {name: value for name, value in fields.items() if value is not None}
    return MirrorRow(known, is_deleted, is_complete)


def _opportunity(fields: Mapping[str, Any]) -> Row:
    closes = fields.get("CloseDate")
    return (
        fields.get("Name", ""),
        fields.get("StageName", ""),
        _money(fields.get("Amount")),
        date.fromisoformat(closes) if closes else None,
    )


def _attachment(fields: Mapping[str, Any]) -> Row:
    location = fields.get("VersionDataUrl", "")
    checksum = hashlib.sha256(location.encode()).hexdigest() if location else ""
    return (fields.get("Title", ""), location, checksum)


def _line_item(fields: Mapping[str, Any]) -> Row:
    return (
        fields.get("OpportunityId", ""),
        fields.get("ProductCode", ""),
        fields.get("Quantity"),
        _money(fields.get("UnitPrice")),
    )


def _money(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


TABLES: Mapping[str, Callable[[Mapping[str, Any]], Row]] = {
    "Opportunity": _opportunity,
    "ContentVersion": _attachment,
    "OpportunityLineItem": _line_item,
}
"""Entity -> what the monolith's own row must say. A deleted record has none."""
