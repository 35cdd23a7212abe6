"""The thread that starts again what died, as systemd or Kubernetes would."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random

from project.embedded.errors import EmbeddedServerError
from tests.chaos.orphans import Orphans
from tests.chaos.process import Process

_LOOK_SECONDS = 0.05
_PAUSE = (0.2, 1.0)
GRACE_SECONDS = 15.0


class Supervisor:
    """Looks after processes until `stop`.

    All of them are started by one thread, because the kernel kills them when that thread ends: so
    nothing outlives the run, however it ends.
    """

    def __init__(self, processes: Sequence[Process], orphans: Orphans) -> None:
        """Nothing runs before `start`."""
        self._processes = processes
        self._orphans = orphans
        self._start_at: dict[str, float] = {}
        self._rng = Random()
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Start everything. Returns when all processes exist, which is before they are ready."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """SIGTERM to all, and SIGKILL to who does not end in time."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            for process in self._processes:
                process.start()
            self._started.set()
            while not self._stopping.wait(_LOOK_SECONDS):
                self._orphans.look()
                for process in self._processes:
                    self._look_after(process)
        except Exception as error:  # noqa: BLE001  whoever drives the run asks for it
            self.failure = error
        finally:
            self._started.set()
            self._end_all()

    def _look_after(self, process: Process) -> None:
        if process.is_alive():
            return
        now = time.monotonic()
        start_at = self._start_at.setdefault(process.name, now + self._rng.uniform(*_PAUSE))
        if now >= start_at:
            del self._start_at[process.name]
            process.start()

    def _end_all(self) -> None:
        for process in self._processes:
            process.kill(signal.SIGCONT)
            process.kill(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(process.is_alive() for process in self._processes) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        self._orphans.end_all()
        for process in self._processes:
            with suppress(EmbeddedServerError):
                process.end(0)
