"""A handle of one pipeline process, which outlives the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from project.embedded.process import ServerProcess

MANAGE = Path(__file__).parents[2] / "manage.py"
_POLL_SECONDS = 0.02


class Process:
    """`manage.py ARGUMENTS` in a process group of its own.

    What died is started again under the same handle by the supervisor's thread, so `pid` may be
    another one each time it is asked for.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], directory: Path, environment: Mapping[str, str]
    ) -> None:
        """Nothing runs before `start`. `environment` is all it gets; the log is in `directory`."""
        self.name = name
        self.starts = 0
        self.arguments = tuple(arguments)
        self.directory = directory
        self._environment = environment
        self._process: ServerProcess | None = None
        # A pid may be signalled as long as nobody has waited for it: asking and waiting exclude each other.
        self._guard = threading.Lock()

    @property
    def pid(self) -> int | None:
        """None while nothing runs."""
        with self._guard:
            return self._process.pid if self._process is not None and self._process.is_running else None

    def is_alive(self) -> bool:
        """Whether it runs (a stopped one does)."""
        return self.pid is not None

    def kill(self, how: signal.Signals = signal.SIGKILL, pid: int | None = None) -> bool:
        """Send a signal to this process alone, not to its horses; False when there was nobody to send it to.

        With `pid`, only if that is still its pid: so SIGCONT does not reach a successor.
        """
        with self._guard:
            if self._process is None or not self._process.is_running:
                return False
            if pid is not None and pid != self._process.pid:
                return False
            os.kill(self._process.pid, how)
            return True

    def wait_until_restarted(self, pid: int, seconds: float) -> bool:
        """Wait until it runs under another pid than `pid`; False after `seconds`."""
        deadline = time.monotonic() + seconds
        while self.pid in (pid, None):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def start(self) -> None:
        """Start it, if it does not run. For the supervisor: it dies with the thread that calls this."""
        with self._guard:
            if self._process is not None:
                if self._process.is_running:
                    return
                self._process.forget()
            self.directory.mkdir(parents=True, exist_ok=True)
            self._process = ServerProcess.spawn(
                self.name,
                [sys.executable, MANAGE, *self.arguments],
                directory=self.directory,
                environment=self._environment,
            )
            self.starts += 1

    def end(self, seconds: float) -> None:
        """Wait until it has ended, `seconds` at most; then SIGKILL."""
        deadline = time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        with self._guard:
            if self._process is not None:
                self._process.end(signal.SIGKILL)
                self._process = None
