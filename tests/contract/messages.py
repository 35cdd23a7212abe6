"""Messages to say one thing with."""

from __future__ import annotations

from typing import Any

from tests.wire.deliveries import OTHER_ORGANIZATION, RECORD, change_event, contract, relayed

OTHER_RECORD = "006SM0000001Tb4YAE"


def opportunity(data: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """A right message, without the attributes that are given as None."""
    return contract({"record_id": RECORD, "stage_name": "Sent", **(data or {})}, **attributes)


def heartbeat(**attributes: Any) -> dict[str, Any]:
    """The same for the heartbeat."""
    usual = {"type": "edu.example.salesforce.heartbeat.v1", "time": "2026-05-07T22:30:00Z"}
    message = contract(**usual | attributes)
    return {name: value for name, value in message.items() if name not in {"data", "sequence", "subject"}}


def changed(fields: dict[str, Any] | None = None, **header: Any) -> dict[str, Any]:
    """A change event through the relay."""
    return relayed(change_event(fields, **header))


__all__ = ["OTHER_ORGANIZATION", "OTHER_RECORD", "RECORD", "changed", "heartbeat", "opportunity"]
