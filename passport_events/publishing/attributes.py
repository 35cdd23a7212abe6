"""The message attributes of the contract, so that subscribers can filter without opening a body.

The body says everything without them: an EventBridge rule that publishes to SNS sets none.
"""

from __future__ import annotations

from passport_events.contract import VERSION
from passport_events.contract.check import Checked
from passport_events.event import CHANGE_WORDS, Event
from passport_events.wire import cloudevents

MOST_CHARACTERS = 256
_WORDS = {change: word for word, change in CHANGE_WORDS.items()}


def attributes_of(checked: Checked) -> dict[str, str]:
    """The six attributes of a message that can be read; a heartbeat has four, a pointer none.

    What differs between the records of a merged event is left out, and what is no text for people:
    SNS refuses control characters.
    """
    described = [_attributes(event, _own_id(checked.body)) for event in checked.events]
    if checked.heartbeat_of:
        described = [_of_heartbeat(checked)]
    if not described:
        return {}
    first, *others = described
    return {
        name: value
        for name, value in first.items()
        if all(other[name] == value for other in others)
        and value.isprintable()
        and 1 <= len(value) <= MOST_CHARACTERS
    }


def _of_heartbeat(checked: Checked) -> dict[str, str]:
    return {
        "event_type": "heartbeat",
        "org_id": checked.heartbeat_of,
        "schema_version": VERSION,
        "event_id": _own_id(checked.body) or "",
    }


def _attributes(event: Event, own_id: str | None) -> dict[str, str]:
    return {
        "event_type": event.event_type,
        "org_id": event.organization,
        "entity": event.entity,
        "change_type": _WORDS[event.change],
        "schema_version": VERSION,
        "event_id": own_id or event.identity.key,
    }


def _own_id(body: object) -> str | None:
    """The `id` of a contract message. What EventBridge gives a change event is new in every copy."""
    if isinstance(body, dict) and cloudevents.matches(body):
        own = body.get("id")
        # The reader asks for no id of a heartbeat, which leaves no row.
        return own if isinstance(own, str) else None
    return None
