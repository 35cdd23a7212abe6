"""A message ready for SNS, and the requests that it travels in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

MOST_IN_A_REQUEST = 10
"""Messages of one PublishBatch."""
MOST_BYTES = 262_144
"""Of a message, and of all messages of a request together: bodies and attributes, 256 KiB.

Both limits are in the API reference of PublishBatch. A topic's `MaximumMessageSize` can raise this
one to 1 MiB; what fits here fits every topic.
"""
DATA_TYPE = "String"


@dataclasses.dataclass(frozen=True, slots=True)
class Outgoing:
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


def batches(
    messages: Iterable[Outgoing], most: int = MOST_IN_A_REQUEST, most_bytes: int = MOST_BYTES
) -> Iterator[tuple[Outgoing, ...]]:
    """The messages of each request, in order. One that is too large for any goes alone."""
    batch: list[Outgoing] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == most or size + message.size > most_bytes):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(message)
        size += message.size
    if batch:
        yield tuple(batch)
