"""Any number of right messages, made up from a seed: something to send where nothing real may be sent."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from random import Random
from typing import Any

from passport_events.conf import EventType
from passport_events.testing.factories import COMMITTED_MS, contract_message, record_id

_CHANGES = ("created", "updated", "upserted")
_RECORDS = 62**9
"""So many records may be meant that two seeds hardly ever mean the same one."""


def generated_messages(
    event_type: EventType, count: int, *, organization: str, seed: int, at_ms: int = COMMITTED_MS
) -> Iterator[dict[str, Any]]:
    """Messages of our own contract, each of another record and a millisecond after the one before.

    The same arguments make the same bytes, ids included, so that sending them again changes nothing.
    """
    rng = Random(seed)
    entity = event_type.entities[0]
    for number in range(count):
        yield contract_message(
            event_type.name,
            record_id(entity, rng.randrange(_RECORDS)),
            {"name": f"Generated {rng.randrange(10**6):06d}"},
            rng.choice(_CHANGES),
            organization=organization,
            at_ms=at_ms + number,
            message_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        )
