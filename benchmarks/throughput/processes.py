"""A contender's processes: started, known to be ready, measured, ended with all their children."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.throughput.contender import Contender, Program
from benchmarks.throughput.stack import Stack
from project.embedded.process import ServerProcess

READY_SECONDS = 60
GRACE_SECONDS = 8
_LOG_LINES = 20


class ContenderError(Exception):
    """A contender did not start, or ended by itself. The message ends with the end of its log."""


class Processes:
    """A context manager: inside, all programs of a contender run."""

    def __init__(
        self,
        contender: Contender,
        stack: Stack,
        database: str,
        directory: Path,
        *,
        modern_python: str | None = None,
        postgresql_port: int = 0,
    ) -> None:
        """Logs go to `directory`. `postgresql_port` is that of a proxy."""
        self._contender = contender
        self.database = database
        self._stack = stack
        self._directory = directory
        self._python = modern_python if contender.is_modern and modern_python else sys.executable
        self._environments = {
            program.name: stack.environment(program, database, postgresql_port)
            for program in contender.programs
        }
        self._running: dict[str, ServerProcess] = {}

    def __enter__(self) -> Self:
        try:
            for program in self._contender.programs:
                self._start(program)
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pids(self) -> list[int]:
        """The processes that we started; they may have children."""
        return [process.pid for process in self._running.values()]

    def pid_of(self, name: str) -> int:
        """That of one program."""
        return self._running[name].pid

    def cpu_seconds(self) -> float:
        """Of all processes and their children, living or not."""
        return sum(cpu_seconds(pid) for pid in self.pids)

    def check(self) -> None:
        """Raise ContenderError when one of them has ended."""
        for name, process in self._running.items():
            if not process.is_running:
                raise ContenderError(f"{self._contender.name}: {name} has ended. {self._log(name)}")

    def _start(self, program: Program) -> None:
        directory = self._directory / program.name
        directory.mkdir(parents=True, exist_ok=True)
        self._running[program.name] = ServerProcess.spawn(
            program.name,
            [self._python, *program.arguments],
            directory=directory,
            environment=self._environments[program.name],
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            self.check()
            if time.monotonic() > deadline:
                logs = " ".join(self._log(program.name) for program in self._contender.programs)
                raise ContenderError(f"{self._contender.name} was not ready within {READY_SECONDS} s. {logs}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        if self._stack.stub.stats().waiting < self._contender.receivers:
            return False
        return all(
            program.ready in self._path(program.name).read_text(errors="replace")
            for program in self._contender.programs
        )

    def _path(self, name: str) -> Path:
        return self._directory / name / "server.log"

    def _log(self, name: str) -> str:
        lines = self._path(name).read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join(["Its log ends with", *(f"    {line}" for line in lines)])

    def _stop(self) -> None:
        family = [child for pid in self.pids for child in _children(pid)]
        for pid in self.pids:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).send_signal(signal.SIGTERM)
        self._stack.stub.close_queue()
        deadline = time.monotonic() + GRACE_SECONDS
        while any(p.is_running for p in self._running.values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        # psutil compares the time of birth as well: a pid that was given to somebody else is safe.
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for running in self._running.values():
            running.end(signal.SIGKILL)
        self._running.clear()


def cpu_seconds(pid: int) -> float:
    """Of a process, its children that ended, and those that live, with theirs."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        for process in (psutil.Process(pid), *_children(pid)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def _children(pid: int) -> Sequence[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return ()
