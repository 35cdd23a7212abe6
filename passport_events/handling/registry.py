"""Which function handles which event type."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from passport_events.event import Event
from passport_events.exceptions import HandlerConflict, HandlerOptionsConflict

if TYPE_CHECKING:
    # Projects import `handles` before Django's models can be loaded.
    from passport_events.mirror.merge import Merged
    from passport_events.models import SalesforceRecord

    HandlerFunction = Callable[[Event, SalesforceRecord], object]
    F = TypeVar("F", bound=HandlerFunction)

Prepare = Callable[[Event], object]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A function of the project, and what it asked for."""

    event_type: str
    function: HandlerFunction
    prepare: Prepare | None
    latest_only: bool
    needs_complete: bool
    shares_transaction: bool

    @property
    def name(self) -> str:
        """Where to find it: module and function."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def waits_for(self, record: SalesforceRecord) -> bool:
        """Whether too little of a record is known yet."""
        return self.needs_complete and not (record.is_complete or record.is_deleted)

    def passes_over(self, merged: Merged) -> bool:
        """Whether an event came too late to be of interest."""
        return self.latest_only and merged.is_stale


_handlers: dict[str, Handler] = {}


def handles(
    event_type: str,
    *,
    prepare: Prepare | None = None,
    latest_only: bool = False,
    needs_complete: bool = False,
    shares_transaction: bool = False,
) -> Callable[[F], F]:
    """Register `def handler(event, record)` for an event type, from an app's `event_handlers.py`.

    The handler runs in the transaction that also finishes the message: what it writes to the
    database happens once. Everything that leaves the process belongs into `prepare(event)`, which
    runs before, outside any transaction, and whose result the handler finds in `event.prepared`.

    `latest_only` skips events that came after newer data of their record (`superseded`).
    `needs_complete` waits until the whole record is known.
    `shares_transaction` lets up to twenty messages commit together, which is about twice as fast: for
    a quick handler, whose rows may stay locked until the last of them has had its turn. Where one of
    them fails, all of it is undone, and each is handled again in a transaction of its own.

    Raises HandlerConflict when the type has a handler already, and HandlerOptionsConflict when
    `prepare` and `shares_transaction` are both asked for.
    """
    if prepare is not None and shares_transaction:
        raise HandlerOptionsConflict(
            f"The handler of {event_type!r} has both prepare and shares_transaction. Keep one: what prepare "
            "waits for gains nothing by a shared commit, and would be asked again when a neighbour fails."
        )

    def register(function: F) -> F:
        handler = Handler(
            event_type=event_type,
            function=function,
            prepare=prepare,
            latest_only=latest_only,
            needs_complete=needs_complete,
            shares_transaction=shares_transaction,
        )
        other = _handlers.get(event_type)
        if other is not None and other.name != handler.name:
            raise HandlerConflict(
                f"{handler.name} and {other.name} both handle {event_type!r}. "
                "Keep one, and call the other from it."
            )
        _handlers[event_type] = handler
        return function

    return register


def handler_for(event_type: str) -> Handler | None:
    """The handler of an event type; None where events are only merged into the mirror."""
    return _handlers.get(event_type)


def registered() -> Mapping[str, Handler]:
    """Every handler by event type."""
    return dict(_handlers)
