"""A cluster for the tests of faults: real servers and processes, on which a fault does its harm at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tests.chaos.cluster import Cluster
from tests.chaos.faults import ALL, furnish
from tests.chaos.process import MANAGE

Seen = TypeVar("Seen")

_PAUSE_SECONDS = 0.02
_BY_NAME = {fault.name: fault for fault in ALL}


class Watched(Cluster):
    """While a fault waits the test looks, so that it sees the harm and nobody has to sleep."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._look: Callable[[], Any] = lambda: None
        self._seen: list[Any] = []

    def wait(self, seconds: float) -> None:
        """Look, and take a breath."""
        self._seen.append(self._look())
        self._ending.wait(min(seconds, _PAUSE_SECONDS))

    def during(self, name: str, look: Callable[[], Seen], seed: int = 0) -> list[Seen]:
        """Inject the fault of that name; returns what `look` saw, once for each time that the fault waited."""
        self._look, self._seen = look, []
        self.killed = _BY_NAME[name].inject(self, Random(seed))
        self._look = lambda: None
        return self._seen

    def inject(self, name: str, seed: int = 0) -> int:
        """Inject the fault of that name; returns how many it killed."""
        self.during(name, lambda: None, seed)
        return self.killed

    def furnish(self) -> None:
        """Fill the database; see `tests.chaos.faults.furnish`."""
        subprocess.run(
            [sys.executable, "-m", furnish.__name__],
            env=self.direct_environment,
            cwd=MANAGE.parent,
            check=True,
        )

    def publish(self, numbers: Iterable[int], change: str = "CREATE") -> None:
        """Put one event for each of these opportunities straight into the queue."""
        queues = self.queues()
        for number in numbers:
            queues.send_message(QueueUrl=self.queue_url, MessageBody=furnish.event(number, change))
