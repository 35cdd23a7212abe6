"""What payloads would become, and everything that is wrong with them: bytes -> `Checked`, and no more."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from passport_events.conf import DEFAULT_EVENT_TYPES, Settings
from passport_events.contract.input_files import InputPayload, split_payloads
from passport_events.contract.simulated_delivery import SimulatedRoute, simulate_deliveries
from passport_events.event import Event
from passport_events.exceptions import Unreadable
from passport_events.wire.parser import parse_delivery
from passport_events.wire.raw_delivery import RawDelivery

try:
    from passport_events.contract import problems
except ModuleNotFoundError as error:
    if error.name != "pydantic":
        raise
    LISTS_EVERY_PROBLEM = False
else:
    LISTS_EVERY_PROBLEM = True
"""Whether pydantic is installed, which the types of the contract need. The reader does not."""

if TYPE_CHECKING:
    from passport_events.contract.problems import Violation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One payload: what the reader makes of it, and what the contract's types find."""

    payload: InputPayload
    message: int = 0
    """Which message of the payload it is, from 1, where several were captured; else 0."""
    wire_format: str
    """`ParsedDelivery.wire_format`."""
    events: tuple[Event, ...]
    heartbeat_of: str = ""
    """The organization whose heartbeat it is, instead of an event."""
    refusal: Unreadable | None
    """Why the reader takes nothing of it."""
    problems: tuple[Violation, ...] = ()
    """All that the types find; empty also where the contract has no types for this format."""
    body: object = dataclasses.field(default=None, repr=False)
    """The parsed JSON inside every envelope; None where it could not be parsed."""

    @property
    def is_well(self) -> bool:
        """Whether it can be read and keeps the contract."""
        return self.refusal is None and not self.problems


def check_file(data: bytes, settings: Settings, journey: SimulatedRoute) -> Iterator[Checked]:
    """Check every payload of a file, one after the other; there is none in a blank file.

    Never raises, whatever the bytes are.
    """
    for payload in split_payloads(data):
        deliveries = simulate_deliveries(payload.body, journey)
        several = len(deliveries) > 1
        for number, received in enumerate(deliveries, 1):
            yield check_delivery(payload, received, settings, message=number if several else 0)


def check_delivery(
    payload: InputPayload, received: RawDelivery, settings: Settings, *, message: int = 0
) -> Checked:
    """Check a payload as it is handed to us."""
    reading = parse_delivery(received, settings)
    body = reading.envelope.body if reading.envelope else None
    return Checked(
        payload=payload,
        message=message,
        wire_format=reading.wire_format,
        events=reading.events,
        heartbeat_of=reading.heartbeat.organization if reading.heartbeat else "",
        refusal=reading.refusal,
        problems=_find_violations(body, settings),
        body=body,
    )


def _find_violations(body: object, settings: Settings) -> tuple[Violation, ...]:
    kind = problems.find_kind(body) if LISTS_EVERY_PROBLEM else None
    if kind is None or _is_redefined(kind, settings):
        return ()
    return problems.find_violations(body, kind)


def _is_redefined(kind: str, settings: Settings) -> bool:
    """Whether a project gives a type other objects than we do; then our rules for it are not theirs."""
    theirs, ours = settings.event_types.get(kind), DEFAULT_EVENT_TYPES.get(kind)
    return theirs is not None and (ours is None or list(theirs.entities) != ours["entities"])
