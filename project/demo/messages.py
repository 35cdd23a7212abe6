"""A change in the words of the team that publishes: what goes into SNS."""

from __future__ import annotations

import json
import uuid
from random import Random
from typing import Any

from passport_events.testing import contract_message, relay_message
from project.demo.history import FIELDS, Change, Kind

CONTRACT_TYPES = {"ContentVersion": "attachment"}
"""These entities are published in our own contract, the others as Event Relay hands them on."""

_CONTRACT_WORDS = {
    Kind.CREATE: "created",
    Kind.UPDATE: "updated",
    Kind.DELETE: "deleted",
    Kind.UNDELETE: "undeleted",
}


def message_of(rng: Random, organization: str, entity: str, record: str, change: Change) -> dict[str, Any]:
    """The message that says it."""
    if entity in CONTRACT_TYPES:
        return contract_message(
            CONTRACT_TYPES[entity],
            record,
            change.fields,
            _CONTRACT_WORDS[change.kind],
            organization=organization,
            at_ms=change.at_ms,
            sequence=change.sequence,
            message_id=seeded_id(rng),
        )
    fields = dict(change.fields)
    if change.kind is Kind.UPDATE:
        # As some relays send it: every other field is there as well, null for "unchanged".
        fields = dict.fromkeys(FIELDS[entity]) | fields
    message = relay_message(
        entity,
        record,
        change.kind,
        fields,
        organization=organization,
        at_ms=change.at_ms,
        sequence=change.sequence,
        changed_fields=list(change.fields),
    )
    message["id"] = seeded_id(rng)
    return message


def sent_again(rng: Random, message: dict[str, Any]) -> str:
    """A duplicate. A relay that repeats itself gives its envelope a new id, a person's contract does not."""
    is_relayed = "detail" in message
    return json.dumps(message | {"id": seeded_id(rng)} if is_relayed else message)


def seeded_id(rng: Random) -> str:
    """A UUID that is the same in every run, so that two runs publish the same bytes."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
