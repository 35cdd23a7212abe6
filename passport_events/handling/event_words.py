"""What an error's text may repeat of an event, and what it may not even where the code says the same."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from passport_events.event import Event
from passport_events.models import SalesforceRecord

MAX_VALUE = 200
"""Characters of a value; no name in code is longer."""


def names_in(event: Event, record: SalesforceRecord | None = None) -> tuple[Container[str], ...]:
    """Names and ids that are no secret, which a handler's error may repeat."""
    return (_ids(event), event.fields, event.missing, *((record.fields,) if record is not None else ()))


def values_in(event: Event, record: SalesforceRecord | None = None) -> frozenset[str]:
    """Values in lower case. One that is also a constant of the code tells the student's, so it goes."""
    held = [event.fields, record.fields if record is not None else None]
    return frozenset(map(plain, _leaves(held))).difference(map(plain, _ids(event)), ("",))


def plain(text: str) -> str:
    """The form in which texts and values are compared."""
    return text.strip().casefold()


def _ids(event: Event) -> set[str]:
    return {event.event_type, event.entity, event.record_id, event.organization}


def _leaves(values: Iterable[Any]) -> Iterator[str]:
    # A stack: how deeply a value is nested is the publisher's choice.
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif value is not None and not isinstance(value, bool):
            text = str(value)
            if len(text) <= MAX_VALUE:
                yield text
