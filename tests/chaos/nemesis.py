"""Doing harm in two lanes: who kills processes does it while whatever else is broken as well."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import IO

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault
from tests.chaos.schedule import Turn, schedule

KILLING = "kill"
"""The kind of the second lane. It starts no server, and may therefore have a thread of its own."""
MOST_BROKEN = 5
_LOOK_SECONDS = 0.5


class Nemesis:
    """Works through two schedules of one seed, and counts."""

    def __init__(self, cluster: Cluster, faults: Sequence[Fault], seed: int, log: IO[str]) -> None:
        """Every fault is written to `log` when it begins and when it ends."""
        self._cluster = cluster
        self._lanes = {
            "kills": [fault for fault in faults if fault.kind == KILLING],
            "others": [fault for fault in faults if fault.kind != KILLING],
        }
        self._seed = seed
        self._log = log
        self._guard = threading.Lock()
        self._failure: BaseException | None = None
        self._now: dict[str, str] = {}
        self.injected: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.broken: list[str] = []
        """Faults that raised, which none should."""

    @property
    def killed(self) -> int:
        """Processes, of all faults together."""
        return self.kills.total()

    @property
    def now(self) -> str:
        """What is broken at this moment."""
        return " + ".join(self._now.values())

    def run(self, until: Callable[[], bool]) -> None:
        """Go on until `until()`. A fault that has begun is finished.

        A fault that raises does not end the run, which may be an hour old: it is counted, and the run
        fails in the end. Raises the error of the one that is too many.
        """
        killing = threading.Thread(target=self._guarded, args=("kills", until), name="kills", daemon=True)
        killing.start()
        self._guarded("others", until)
        killing.join()
        if self._failure is not None:
            raise self._failure

    def _guarded(self, lane: str, until: Callable[[], bool]) -> None:
        try:
            for turn in schedule(self._lanes[lane], f"{lane}/{self._seed}"):
                self._cluster.wait(turn.pause_seconds)
                if until() or self._failure is not None:
                    return
                self._take(lane, turn)
            while not until() and self._failure is None:  # a lane without faults
                self._cluster.wait(_LOOK_SECONDS)
        except BaseException as error:  # noqa: BLE001  `run` raises it
            self._failure = self._failure or error

    def _take(self, lane: str, turn: Turn) -> None:
        name = turn.fault.name
        self._now[lane] = name
        self._write(f"begin {name}")
        try:
            killed = turn.fault.inject(self._cluster, turn.random)
        except Exception as error:
            self._write(f"broken {name}\n{traceback.format_exc()}")
            self.broken.append(f"{name}: {type(error).__name__}: {error}")
            if len(self.broken) > MOST_BROKEN:
                raise
        else:
            self._write(f"end {name} killed={killed}")
            with self._guard:
                self.injected[name] += 1
                self.kills[name] += killed
        finally:
            self._now.pop(lane)

    def _write(self, what: str) -> None:
        # With the time of day, to find the same moment in the logs of the processes.
        self._log.write(f"{datetime.now().astimezone():%H:%M:%S.%f} {what}\n")
        self._log.flush()
