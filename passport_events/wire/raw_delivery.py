"""One message as SQS handed it to us, before anybody looked inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_COUNT = 2**31 - 1  # what a PositiveIntegerField holds


def _parse_digits(text: object) -> int | None:
    """A number that SQS writes as text, or None; int() alone would also take ' 1_0' and '٣'.

    Fourteen digits are milliseconds until the year 5138, which every datetime can hold.
    """
    return (
        int(text)
        if isinstance(text, str) and text and len(text) <= 14 and text.isascii() and text.isdigit()
        else None
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RawDelivery:
    """A delivery. Its `repr` leaves out what may hold student data."""

    message_id: str
    """SQS's id. A redrive gives the same message a new one."""
    receipt_handle: str
    """What SQS wants back to delete this delivery."""
    body: bytes = dataclasses.field(repr=False)
    """The text of the message in UTF-8, with errors "surrogatepass", so that any text has bytes."""
    queue: str = ""
    """Name of the SQS queue that handed it out."""
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """System attributes: SentTimestamp, ApproximateReceiveCount, AWSTraceHeader and others."""
    message_attributes: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict, repr=False)
    """What the sender set, in SQS's own shape: {"DataType", "StringValue" or "BinaryValue"}."""

    @property
    def sent_at(self) -> datetime | None:
        """When SQS took the message, in UTC; None where it did not say."""
        milliseconds = _parse_digits(self.attributes.get("SentTimestamp"))
        return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)

    @property
    def receive_count(self) -> int:
        """How often SQS has handed it out, this time included; 1 where it did not say."""
        return min(_parse_digits(self.attributes.get("ApproximateReceiveCount")) or 1, _MAX_COUNT)


def parse_queue_name(url: str) -> str:
    """The name of an SQS queue, with which its URL ends."""
    return url.rpartition("/")[2]
