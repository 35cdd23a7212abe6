"""Which thread is in which step since when, and for how long it may be: what tells slow from hung."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_STEP_SECONDS = 60
"""No step of a healthy process takes so long: a request to SQS ends by itself after twice 15 s, a wait for a
lock after 5 s, one for Redis after 2 s. But a read timeout begins anew with every byte, and a connection to
PostgreSQL has none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What a thread does, and until when (by `time.monotonic`) it may."""

    name: str
    began: float
    until: float


class Watchdog:
    """The steps of some threads, told by themselves. Reading and writing need no lock: a dict has one."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    @contextmanager
    def step(self, name: str, longer_by: float = 0) -> Iterator[None]:
        """This thread does something for the length of a block.

        It may take STEP_SECONDS, and `longer_by` seconds more where it waits on purpose.
        """
        self._begin(name, longer_by)
        try:
            yield
        finally:
            self._steps.pop(threading.current_thread().name, None)

    def next_step(self, name: str, longer_by: float = 0) -> None:
        """This thread comes to the next step of its block; of a thread that is in none it means nothing."""
        if threading.current_thread().name in self._steps:
            self._begin(name, longer_by)

    def _begin(self, name: str, longer_by: float) -> None:
        now = time.monotonic()
        self._steps[threading.current_thread().name] = Step(name, now, now + MAX_STEP_SECONDS + longer_by)

    def overdue(self) -> Iterator[str]:
        """One sentence for each thread that hangs."""
        now = time.monotonic()
        for thread, step in list(self._steps.items()):
            if now > step.until:
                yield f"{thread} hangs: it has been {step.name} for {now - step.began:.0f} s."

    def describe(self, thread: str) -> str:
        """What a thread is doing, for people."""
        step = self._steps.get(thread)
        return f"{thread} ({step.name})" if step else thread
