"""What a peer reads of a message: as little as the work needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One event."""

    key: str
    organization: str
    record_id: str
    version: int
    fields: dict[str, Any]
    body: str


def read(body: str) -> Change:
    """From an SNS notification."""
    return read_message(json.loads(body)["Message"])


def read_message(message: str) -> Change:
    """From what SNS was given; some libraries take the envelope off themselves."""
    relay = json.loads(message)
    payload = relay["detail"]["payload"]
    header = payload.pop("ChangeEventHeader")
    return Change(
        key=f"{header['transactionKey']}-{header['sequenceNumber']}",
        organization=relay["source"].split("/")[2],
        record_id=header["recordIds"][0],
        version=header["commitTimestamp"],
        fields=payload,
        body=message,
    )
