"""Any number of right messages, made up from a seed: something to send where nothing real may be sent."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

from passport_events.conf import EventType
from passport_events.testing.factories import COMMITTED_MS, record_id, relay_message

_CHANGES = ("CREATE", "UPDATE", "UNDELETE")
_RECORDS = 62**9
"""So many records may be meant that two seeds hardly ever mean the same one."""
_FIELDS: Mapping[str, Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        "Opportunity": {
            "StageName": ("Prospecting", "Submitted", "Closed Won", "Closed Lost"),
            "Amount": (1200.0, 4850.5, 15000),
            "CloseDate": ("2027-01-15", "2027-06-30"),
        },
        "ContentVersion": {
            "Title": ("transcript", "statement"),
            "PathOnClient": ("transcript.pdf", "statement.pdf"),
            "ContentSize": (48_211, 1_302_114),
        },
        "OpportunityLineItem": {"Quantity": (1, 2.5), "UnitPrice": (95, 450.75)},
    }
)
"""Fields that Salesforce's own objects have beside `Name`, and values to choose from."""


def generated_messages(
    event_type: EventType, count: int, *, organization: str, seed: int, at_ms: int = COMMITTED_MS
) -> Iterator[dict[str, Any]]:
    """Change events as the Event Relay sends them, each of another record and a millisecond after the last.

    They have Salesforce's names of fields, so that a handler can be tried with them. The same arguments
    make the same bytes, ids included, so that sending them again changes nothing.
    """
    rng = Random(seed)
    entity = event_type.entities[0]
    for number in range(count):
        fields = {"Name": f"Generated {rng.randrange(10**6):06d}"}
        fields |= {name: rng.choice(values) for name, values in _FIELDS.get(entity, {}).items()}
        message = relay_message(
            entity,
            record_id(entity, rng.randrange(_RECORDS)),
            rng.choice(_CHANGES),
            fields,
            organization=organization,
            at_ms=at_ms + number,
            transaction=_make_uuid(rng),
        )
        yield message | {"id": _make_uuid(rng)}


def _make_uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
