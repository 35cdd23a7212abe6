"""A cluster for the tests of faults: real servers and processes, on which a fault does its harm at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tests.chaos.cluster import Cluster
from tests.chaos.faults import ALL, seed
from tests.chaos.process import MANAGE

Seen = TypeVar("Seen")

_PAUSE_SECONDS = 0.02
_BY_NAME = {fault.name: fault for fault in ALL}


def eventually(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until it is so. Raises AssertionError when it is not for `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(_PAUSE_SECONDS)


def state(pid: int) -> str:
    """What the kernel calls it: `T` is a stopped one, `Z` a dead one, `gone` none at all."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"


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

    def ask_in_time(self, server: str, ask: Callable[[], object]) -> threading.Thread:
        """Ask as soon as a trap lies in wait before that server, in a thread that has begun."""

        def wait_and_ask() -> None:
            eventually(lambda: bool(self.proxies[server]._conditions.traps))
            ask()

        thread = threading.Thread(target=wait_and_ask)
        thread.start()
        return thread

    def inject(self, name: str, seed: int = 0) -> int:
        """Inject the fault of that name; returns how many it killed."""
        self.during(name, lambda: None, seed)
        return self.killed

    def furnish(self) -> None:
        """Fill the database; see `tests.chaos.faults.seed`."""
        subprocess.run(
            [sys.executable, "-m", seed.__name__],
            env=self.direct_environment,
            cwd=MANAGE.parent,
            check=True,
        )

    @property
    def is_ready(self) -> bool:
        """Whether pollers poll and workers wait for hints."""
        with closing(self.database()) as database, closing(self.redis()) as redis:
            polls = database.execute("SELECT count(*) FROM passport_events_heartbeat").fetchone()
            workers = redis.scard("rq:workers")
        return polls is not None and polls[0] >= len(self.pollers) and workers >= len(self.workers)

    def publish(self, numbers: Iterable[int], change: str = "CREATE") -> None:
        """Put one event for each of these opportunities straight into the queue."""
        queues = self.queues()
        for number in numbers:
            queues.send_message(QueueUrl=self.queue_url, MessageBody=seed.event(number, change))
