"""The handlers of event types."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from passport_events.event import Event
from passport_events.exceptions import (
    ConfigurationError,
    HandlerConflict,
    HandlerOptionsConflict,
    InvalidHandler,
)
from passport_events.handling.handler_signatures import get_function_name, require_callable

if TYPE_CHECKING:
    # Projects import `handles` before Django's models can be loaded.
    from passport_events.mirror.merge import Merged
    from passport_events.models import SalesforceRecord

    HandlerFunction = Callable[[Event, SalesforceRecord], object]
    F = TypeVar("F", bound=HandlerFunction)

Prepare = Callable[[Event], object]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A function of the project, and its options."""

    event_type: str
    function: HandlerFunction
    prepare: Prepare | None
    latest_only: bool
    needs_complete: bool
    shares_transaction: bool
    loaded_from: object = dataclasses.field(default=None, repr=False, compare=False)
    """Spec of its module; a reload makes a new one."""
    name: str = ""
    """Module and function."""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", get_function_name(self.function))

    def must_wait(self, record: SalesforceRecord) -> bool:
        """Return whether the handler needs a complete record and this one is not."""
        return self.needs_complete and not (record.is_complete or record.is_deleted)

    def must_skip(self, merged: Merged) -> bool:
        """Return whether the handler wants only the latest data and this event is stale."""
        return self.latest_only and merged.is_stale


_handlers: dict[str, Handler] = {}
_collected: list[ConfigurationError] = []
_problems: list[ConfigurationError] | None = None


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

    Raises InvalidHandler for what cannot be called with an event and a record, or would never run (`async`,
    generators), HandlerConflict when the type has a handler already, and HandlerOptionsConflict when
    `prepare` and `shares_transaction` are both asked for. Where Django loads an `event_handlers.py`,
    `manage.py check` reports these errors, all of them, and messages of the type fail with theirs.
    """
    if not isinstance(event_type, str):
        raise InvalidHandler(
            f"{get_function_name(event_type)} is registered without an event type. "
            "Write @handles('opportunity')."
        )

    def register(function: F) -> F:
        module = getattr(function, "__module__", None)
        handler = Handler(
            event_type=event_type,
            function=function,
            prepare=prepare,
            latest_only=latest_only,
            needs_complete=needs_complete,
            shares_transaction=shares_transaction,
            loaded_from=getattr(sys.modules.get(str(module)), "__spec__", None),
        )
        _handlers[event_type] = _check(handler)
        return function

    return register


@contextlib.contextmanager
def collect_problems() -> Iterator[None]:
    """Collect invalid registrations instead of raising, so that `manage.py check` reports all of them."""
    global _problems  # noqa: PLW0603  modules are loaded in one thread
    before = _problems
    _problems = _collected
    try:
        yield
    finally:
        _problems = before


def get_problems() -> Sequence[ConfigurationError]:
    """Return the invalid registrations that were collected."""
    return tuple(_collected)


def _check(handler: Handler) -> Handler:
    try:
        _refuse_invalid(handler)
    except ConfigurationError as error:
        if _problems is None:
            raise
        _problems.append(error)
        return _make_failing_handler(handler, error)
    return handler


def _refuse_invalid(handler: Handler) -> None:
    require_callable(handler.function, ("event", "record"))
    if handler.prepare is not None:
        require_callable(handler.prepare, ("event",))
    if handler.prepare is not None and handler.shares_transaction:
        raise HandlerOptionsConflict(
            f"The handler of {handler.event_type!r} has both prepare and shares_transaction. Keep one: "
            "what prepare waits for gains nothing by a shared commit, and would be asked again when a "
            "neighbour fails."
        )
    other = _handlers.get(handler.event_type)
    if other is not None and not _is_same_handler(other, handler):
        raise HandlerConflict(
            f"{handler.name} and {other.name} both handle {handler.event_type!r}. "
            "Keep one, and call the other from it."
        )


def _is_same_handler(one: Handler, other: Handler) -> bool:
    """Return whether both are one function, also from before and after a reload of its module."""
    if one.function is other.function:
        return True
    return one.name == other.name and one.loaded_from is not other.loaded_from


def _make_failing_handler(handler: Handler, error: ConfigurationError) -> Handler:
    """Return a handler that raises `error`: without a handler its messages would succeed unhandled."""
    traceback = error.__traceback__

    def refuse(event: Event, record: SalesforceRecord) -> None:
        raise error.with_traceback(traceback)

    return dataclasses.replace(
        handler, function=refuse, name=handler.name, prepare=None, shares_transaction=False
    )


def find_handler(event_type: str) -> Handler | None:
    """Return the handler of an event type; None if its events are only merged into the mirror."""
    return _handlers.get(event_type)


def get_handlers() -> Mapping[str, Handler]:
    """Return all handlers by event type."""
    return dict(_handlers)
