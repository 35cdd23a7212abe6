"""The steps of a poll, for the watch. What is announced tells which one is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from passport_events.receiving.watch import Watch
from passport_events.stages import Stage, ignore, observe

STORED_PER_SECOND = 10_000
"""Bytes. Bodies that name the most records are stored three times as fast on a small machine: ten of the
largest take four minutes."""


def polling(watch: Watch, wait_seconds: int) -> AbstractContextManager[None]:
    """Around one poll. A receive that is never answered ends by itself after twice the wait and 20 s."""
    return watch.step("receiving", wait_seconds)


@contextmanager
def polls_watched(watch: Watch) -> Iterator[None]:
    """While this lasts, `watch` knows which step each thread in `polling` has come to."""

    def come_to(stage: Stage, facts: dict[str, Any]) -> None:
        if stage is Stage.RECEIVED:
            watch.goes_on("storing", longer_by=facts["size"] / STORED_PER_SECOND)
        elif stage is Stage.STORED:
            watch.goes_on("deleting")
        elif stage is Stage.DELETED:
            watch.goes_on("hinting")

    observe(come_to)
    try:
        yield
    finally:
        ignore(come_to)
