"""The steps of a poll, for the watch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from passport_events.instrumentation import Stage, ignore, observe
from passport_events.processes.watchdog import Watch
from passport_events.receiving.inbox import Stored
from passport_events.wire.raw_delivery import Received

Store = Callable[[Sequence[Received]], Stored]


def polling(watch: Watch, wait_seconds: int) -> AbstractContextManager[None]:
    """Around one poll. A receive that is never answered ends by itself after twice the wait and 20 s."""
    return watch.step("receiving", wait_seconds)


def stored_by(writer: Store, watch: Watch) -> Store:
    """What a poll stores with, where another thread does it and is watched itself."""

    def store(received: Sequence[Received]) -> Stored:
        watch.goes_on("waiting for the writer", longer_by=math.inf)
        stored = writer(received)
        watch.goes_on("deleting")
        return stored

    return store


@contextmanager
def deletes_watched(watch: Watch) -> Iterator[None]:
    """While this lasts, `watch` knows which threads in `polling` have come to the last step."""

    def come_to(stage: Stage, facts: dict[str, Any]) -> None:
        if stage is Stage.DELETED:
            watch.goes_on("hinting")

    observe(come_to)
    try:
        yield
    finally:
        ignore(come_to)
