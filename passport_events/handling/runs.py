"""Which messages of a claim begin together: a pure decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from passport_events.handling.registry import Handler
from passport_events.models import ProcessedMessage

MOST_MESSAGES = 20
"""More gains little: what they share is a twentieth of its cost by then, and the rest is the handler's."""


def runs_of(
    messages: Sequence[ProcessedMessage], handler: Handler | None
) -> Iterator[Sequence[ProcessedMessage]]:
    """Messages that may share a transaction, where their handler allows it; else each by itself.

    Those of a run are about different records, because each is handled with its record as it left it;
    a record's own messages keep their order. And who failed before is alone, because another failure
    would undo its neighbours.
    """
    if handler is None or not handler.shares_transaction:
        yield from ([message] for message in messages)
        return
    for about_different_records in _rounds(messages):
        yield from ([message] for message in about_different_records if _has_failed(message))
        fresh = [message for message in about_different_records if not _has_failed(message)]
        yield from (fresh[at : at + MOST_MESSAGES] for at in range(0, len(fresh), MOST_MESSAGES))


def _rounds(messages: Iterable[ProcessedMessage]) -> Iterable[list[ProcessedMessage]]:
    """The first of each record, then the second of each that has one, and so on."""
    met: Counter[tuple[int | None, str]] = Counter()
    rounds: dict[int, list[ProcessedMessage]] = {}
    for message in messages:
        record = (message.organization_id, message.record_id)
        rounds.setdefault(met[record], []).append(message)
        met[record] += 1
    return rounds.values()


def _has_failed(message: ProcessedMessage) -> bool:
    return message.attempts > 0 or message.deferred_since is not None
