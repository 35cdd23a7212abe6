"""The steps of a poll, for the watch. What is announced tells which one is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from passport_events.receiving.watch import Watch
from passport_events.stages import Stage, ignore, observe

STORING_SECONDS = 540
"""Ten of the largest bodies name 400,000 records, which takes four minutes on a small machine. A database
that hangs is noticed sooner, by the heartbeat."""

NEXT = {
    Stage.RECEIVED: ("storing", STORING_SECONDS),
    Stage.STORED: ("deleting", 0),
    Stage.DELETED: ("hinting", 0),
}
"""What a receiver does after each announcement, and how many seconds longer than usual that may take."""


def polling(watch: Watch, wait_seconds: int) -> AbstractContextManager[None]:
    """Around one poll. A receive that is never answered ends by itself after twice the wait and 20 s."""
    return watch.step("receiving", wait_seconds)


@contextmanager
def polls_watched(watch: Watch) -> Iterator[None]:
    """While this lasts, `watch` knows which step each thread in `polling` has come to."""

    def come_to(stage: Stage, facts: dict[str, Any]) -> None:
        if stage in NEXT:
            watch.goes_on(*NEXT[stage])

    observe(come_to)
    try:
        yield
    finally:
        ignore(come_to)
