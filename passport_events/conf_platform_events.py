"""The rule of `PLATFORM_EVENTS`: which fields of a platform event mean what."""

from __future__ import annotations

import dataclasses
from typing import Any

from passport_events.event import CHANGE_WORDS

_EXAMPLE = (
    'like {"Offer_Sent__e": {"event_type": "opportunity", '
    '"record_id": "Record_Id__c", "sequence": "CreatedDate"}}'
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlatformEvent:
    """Where a platform event says what every event has to say. The values are names of its fields."""

    event_type: str
    """A key of `EVENT_TYPES`."""
    record_id: str
    """The field with the id of the record that changed."""
    sequence: str
    """The field that orders the events of a record: the contract's `sequence`, or a time."""
    entity: str = ""
    """The Salesforce object; by default the first one of the event type."""
    change: str = "upserted"
    """One of the contract's words for a change, or the field that holds one."""
    fields: str = ""
    """The field whose text is a JSON object with the record's fields; by default they are the event's own."""

    @property
    def used(self) -> frozenset[str]:
        """Fields that say something about the event, and are none of the record."""
        return frozenset((self.record_id, self.sequence, self.change))


_REQUIRED = frozenset(f.name for f in dataclasses.fields(PlatformEvent) if f.default is dataclasses.MISSING)
_ALLOWED = frozenset(f.name for f in dataclasses.fields(PlatformEvent))


def platform_events(value: Any) -> dict[str, PlatformEvent]:
    """Platform events by `detail-type`, which is their API name unless an EventBridge rule replaces it."""
    if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"must map a platform event to what its fields mean, {_EXAMPLE}")
    return {name: _platform_event(name, entry) for name, entry in value.items()}


def _platform_event(name: str, entry: Any) -> PlatformEvent:
    if not isinstance(entry, dict) or not set(entry) >= _REQUIRED:
        raise ValueError(f"entry {name!r} must have {_listed(_REQUIRED)}, {_EXAMPLE}")
    if not set(entry) <= _ALLOWED:
        raise ValueError(f"entry {name!r} may have only {_listed(_ALLOWED)}")
    for key, said in entry.items():
        if not isinstance(said, str) or not said:
            raise ValueError(f"has the entry {name!r}, whose {key!r} must be a string that is not empty")
    found = PlatformEvent(**entry)
    if found.change not in CHANGE_WORDS and not found.change.endswith("__c"):
        words = ", ".join(CHANGE_WORDS)
        raise ValueError(
            f"entry {name!r} has a 'change' that is neither a field (...__c) nor one of: {words}"
        )
    return found


def _listed(names: frozenset[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
