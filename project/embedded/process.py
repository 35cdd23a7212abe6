"""One server process: spawned so that it cannot outlive us, and watched until all of it is gone."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from project.embedded.errors import ServerStartError, ServerStopError

_LAUNCHER = Path(__file__).with_name("launch.py")
_POLL_SECONDS = 0.01
_GONE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account a server runs as."""

    uid: int
    gid: int


class ServerProcess:
    """A running server. `pid` is the server itself, not a wrapper."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], alive: int, log: Path) -> None:
        """Use `spawn`. `alive` reads end of file once the last process of the server is gone."""
        self.name = name
        self.pid = popen.pid
        self._popen = popen
        self._alive = alive
        self._log = log

    @classmethod
    def spawn(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        directory: Path,
        environment: Mapping[str, str],
        account: Account | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> ServerProcess:
        """Start `command` in `directory`, logging to `server.log` there.

        On Linux the kernel sends `death_signal` when the *thread* that called this ends: call it
        from one that lives as long as the server should. Elsewhere an atexit hook has to do.
        """
        arguments = [str(part) for part in command]
        if sys.platform == "linux":
            run_as = account or Account(-1, -1)
            numbers = (os.getpid(), int(death_signal), run_as.uid, run_as.gid)
            arguments = [sys.executable, "-I", "-S", str(_LAUNCHER), *map(str, numbers), *arguments]
        log = directory / "server.log"
        # Every process of the server inherits the writing end, so that its end of file tells when
        # the last one is gone. Waiting for the parent alone would leave PostgreSQL's children.
        alive, held = os.pipe()
        try:
            with log.open("ab") as output:
                popen = subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=directory,
                    env=dict(environment),
                    pass_fds=(held,),
                    start_new_session=True,  # Ctrl-C is for us; we stop the server in order
                )
        except BaseException:
            os.close(alive)
            raise
        finally:
            os.close(held)
        return cls(name, popen, alive, log)

    @property
    def is_running(self) -> bool:
        """Whether the server's main process is there."""
        return self._popen.poll() is None

    def wait_until_ready(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Return once `is_ready()`. Raises ServerStartError when it ends or takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not (is_ready() and self.is_running):  # what answers could be somebody else
            if not self.is_running:
                raise ServerStartError(self.name, f"it ended with status {self._popen.returncode}", self._log)
            if time.monotonic() > deadline:
                raise ServerStartError(self.name, f"it did not answer within {seconds:g} s", self._log)
            time.sleep(_POLL_SECONDS)

    def end(self, how: signal.Signals, grace_seconds: float = 0) -> None:
        """Send `how`, after `grace_seconds` SIGKILL, and wait until every process is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(how)
        try:
            self._popen.wait(grace_seconds or _GONE_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(_GONE_SECONDS)
        gone, _, _ = select.select([self._alive], [], [], _GONE_SECONDS)
        if not gone:
            raise ServerStopError(f"{self.name}: a child of process {self.pid} is still there after SIGKILL.")
        os.close(self._alive)

    def forget(self) -> None:
        """Let go of a process that has ended, without waiting for children that outlived it."""
        os.close(self._alive)
