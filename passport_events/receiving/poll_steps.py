"""The steps of a poll, for the watch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from passport_events.instrumentation import Notification, subscribe, unsubscribe
from passport_events.processes.watchdog import Watchdog
from passport_events.receiving.inbox import StoreResult
from passport_events.wire.raw_delivery import RawDelivery

Store = Callable[[Sequence[RawDelivery]], StoreResult]


def polling(watch: Watchdog, wait_seconds: int) -> AbstractContextManager[None]:
    """Around one poll. A receive that is never answered ends by itself after twice the wait and 20 s."""
    return watch.step("receiving", wait_seconds)


def stored_by(writer: Store, watch: Watchdog) -> Store:
    """What a poll stores with, where another thread does it and is watched itself."""

    def store(received: Sequence[RawDelivery]) -> StoreResult:
        watch.next_step("waiting for the writer", longer_by=math.inf)
        stored = writer(received)
        watch.next_step("deleting")
        return stored

    return store


@contextmanager
def deletes_watched(watch: Watchdog) -> Iterator[None]:
    """While this lasts, `watch` knows which threads in `polling` have come to the last step."""

    def come_to(stage: Notification, facts: dict[str, Any]) -> None:
        if stage is Notification.DELETED:
            watch.next_step("hinting")

    subscribe(come_to)
    try:
        yield
    finally:
        unsubscribe(come_to)
