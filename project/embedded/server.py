"""What every embedded server can do: start, stop, be killed, come back on the same port."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from project.embedded.errors import NotLoopbackError
from project.embedded.listening import find_listeners
from project.embedded.loopback import LOOPBACK, free_port
from project.embedded.process import Account, ServerProcess


class EmbeddedServer(ABC):
    """A server on 127.0.0.1 that belongs to this process.

    As a context manager it is started, and at the end stopped and its directory removed. `stop`,
    `kill` and `restart` keep port and directory. A process forked from this one cannot end it.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    death_signal: ClassVar[signal.Signals] = signal.SIGKILL
    start_seconds: ClassVar[float] = 20
    stop_seconds: ClassVar[float] = 10

    def __init__(self) -> None:
        """Choose a port. Nothing runs before `start`."""
        self.host = LOOPBACK
        self.port = free_port()
        self._owner = os.getpid()
        self._process: ServerProcess | None = None
        self._directory: Path | None = None

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The program, by its full path, and its arguments."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether the server answers on its port."""

    def _prepare(self) -> None:  # noqa: B027  most servers need nothing
        """What must exist before the program runs. Called on every start."""

    def _environment(self) -> Mapping[str, str]:
        """All of the server's environment. Ours is kept out: it may hold credentials or switches."""
        return {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self.directory), "TMPDIR": str(self.directory)}

    def _account(self) -> Account | None:
        """Who the server runs as; None is us."""
        return None

    @property
    def directory(self) -> Path:
        """The server's own temporary directory, log included. Raises RuntimeError before `start`."""
        if self._directory is None:
            raise RuntimeError(f"{self.name} has no directory yet. Call start().")
        return self._directory

    def _make_directory(self) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"passport-{self.name.lower()}-"))

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.is_running

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises RuntimeError when it is not running."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running. Call start().")
        return self._process.pid

    def start(self) -> Self:
        """Start, and return when the server answers.

        Raises ServerStartError with the end of its log, and NotLoopbackError when other machines can
        reach it.
        """
        if self.is_running:
            return self
        self._end(signal.SIGKILL)  # tidy up after one that ended by itself
        if self._directory is None:
            self._directory = self._make_directory()
            atexit.register(self.close)
        self._prepare()
        self._process = ServerProcess.spawn(
            self.name,
            self._command(),
            directory=self.directory,
            environment=self._environment(),
            account=self._account(),
            death_signal=self.death_signal,
        )
        try:
            self._process.wait_until_ready(self._is_ready, self.start_seconds)
            self._refuse_other_machines()
        except BaseException:
            self._end(signal.SIGKILL)
            raise
        return self

    def _refuse_other_machines(self) -> None:
        reachable = [str(each) for each in find_listeners(self.pid) if not each.is_loopback]
        if reachable:
            raise NotLoopbackError(
                f"{self.name} listens for other machines on {', '.join(reachable)}. "
                "Switch that part of it off in _command() or _environment()."
            )

    def stop(self) -> None:
        """Ask it to end, as a supervisor does. Data stays."""
        self._end(self.stop_signal, self.stop_seconds)

    def kill(self) -> None:
        """SIGKILL, and wait until all its processes are gone. Data stays."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Stop if it is running, and start on the same port and data."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop, and remove the directory."""
        if os.getpid() != self._owner:
            return
        self.stop()
        atexit.unregister(self.close)
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def _end(self, how: signal.Signals, grace_seconds: float = 0) -> None:
        if self._process is not None and os.getpid() == self._owner:
            self._process.end(how, grace_seconds)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
