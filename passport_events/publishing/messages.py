"""Messages for SNS: check payloads, add attributes, and split them into requests."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from passport_events.conf import Settings
from passport_events.contract import VERSION
from passport_events.contract.check import Checked, check_delivery
from passport_events.contract.input_files import split_payloads
from passport_events.contract.simulated_delivery import SimulatedRoute, simulate_sns_delivery
from passport_events.event import CHANGE_WORDS, Event
from passport_events.exceptions import Unreadable
from passport_events.wire import cloudevents

MAX_REQUEST_MESSAGES = 10
"""Messages of one PublishBatch."""
MAX_REQUEST_BYTES = 262_144
"""Of a message, and of all messages of a request together: bodies and attributes, 256 KiB.

Both limits are in the API reference of PublishBatch. A topic's `MaximumMessageSize` can raise this
one to 1 MiB; what fits here fits every topic.
"""
DATA_TYPE = "String"


@dataclasses.dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message. Its `repr` leaves out what is student data."""

    line: int
    """Where it stands in the input, from 1."""
    body: str = dataclasses.field(repr=False)
    attributes: Mapping[str, str]
    """Message attributes of type String."""

    @property
    def size(self) -> int:
        """In bytes, as SNS counts: the body, and the name, type and value of each attribute."""
        parts = [self.body]
        for name, value in self.attributes.items():
            parts += [name, DATA_TYPE, value]
        return sum(len(part.encode()) for part in parts)


def split_into_requests(
    messages: Iterable[OutgoingMessage], most: int = MAX_REQUEST_MESSAGES, most_bytes: int = MAX_REQUEST_BYTES
) -> Iterator[tuple[OutgoingMessage, ...]]:
    """The messages of each request, in order. One that is too large for any goes alone."""
    batch: list[OutgoingMessage] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == most or size + message.size > most_bytes):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(message)
        size += message.size
    if batch:
        yield tuple(batch)


MAX_ATTRIBUTE_LENGTH = 256
_WORDS = {change: word for word, change in CHANGE_WORDS.items()}


def build_attributes(checked: Checked) -> dict[str, str]:
    """The six attributes of a message that can be read; a heartbeat has four, a pointer none.

    What differs between the records of a merged event is left out, and what is no text for people:
    SNS refuses control characters.
    """
    described = [_describe_event(event, _find_message_id(checked.body)) for event in checked.events]
    if checked.heartbeat_of:
        described = [_describe_heartbeat(checked)]
    if not described:
        return {}
    first, *others = described
    return {
        name: value
        for name, value in first.items()
        if all(other[name] == value for other in others)
        and value.isprintable()
        and 1 <= len(value) <= MAX_ATTRIBUTE_LENGTH
    }


def _describe_heartbeat(checked: Checked) -> dict[str, str]:
    return {
        "event_type": "heartbeat",
        "org_id": checked.heartbeat_of,
        "schema_version": VERSION,
        "event_id": _find_message_id(checked.body) or "",
    }


def _describe_event(event: Event, own_id: str | None) -> dict[str, str]:
    return {
        "event_type": event.event_type,
        "org_id": event.organization,
        "entity": event.entity,
        "change_type": _WORDS[event.change],
        "schema_version": VERSION,
        "event_id": own_id or event.identity.key,
    }


def _find_message_id(body: object) -> str | None:
    """The `id` of a contract message. What EventBridge gives a change event is new in every copy."""
    if isinstance(body, dict) and cloudevents.matches(body):
        own = body.get("id")
        # The reader asks for no id of a heartbeat, which leaves no row.
        return own if isinstance(own, str) else None
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class PreparedMessages:
    """All lines of a file."""

    ready: tuple[OutgoingMessage, ...]
    invalid: tuple[Checked, ...]


def prepare_messages(data: bytes, settings: Settings, journey: SimulatedRoute) -> PreparedMessages:
    """Read every payload as it will be read once SNS has delivered it. Pure, and raises nothing."""
    ready, invalid = [], []
    for payload in split_payloads(data):
        checked = check_delivery(payload, simulate_sns_delivery(payload.body, journey), settings)
        message = _build_message(checked, journey) if checked.is_well else None
        if message is None:
            invalid.append(checked)
        elif message.size > MAX_REQUEST_BYTES:
            refusal = Unreadable(
                "too_large", f"{message.size} bytes with its attributes, SNS takes {MAX_REQUEST_BYTES}"
            )
            invalid.append(dataclasses.replace(checked, events=(), refusal=refusal))
        else:
            ready.append(message)
    return PreparedMessages(tuple(ready), tuple(invalid))


def _build_message(checked: Checked, journey: SimulatedRoute) -> OutgoingMessage:
    # A pointer names no organization, and what it points at need not either.
    named = {"org_id": journey.org_id} if journey.org_id else {}
    payload = checked.payload
    return OutgoingMessage(payload.line, payload.body.decode(), named | build_attributes(checked))
