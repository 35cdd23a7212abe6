"""Supervising the demo's own processes: what dies is started again, and nothing outlives the demo."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from project.embedded.process import ServerProcess

MANAGE = Path(__file__).parents[2] / "manage.py"
FIRST_PAUSE_SECONDS = 0.5
STEADY_SECONDS = 5.0
"""Who lived so long did not die of the start."""
MAX_QUICK_DEATHS = 5
GRACE_SECONDS = 6.0


class KeepsDyingError(Exception):
    """A process ends again and again right after its start. The message says where its log is."""


@dataclass
class _Child:
    name: str
    arguments: Sequence[str]
    directory: Path
    process: ServerProcess | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    quick_deaths: int = 0
    starts: int = 0


class Supervisor:
    """`manage.py` commands in processes of their own, each with a folder for its log.

    To be used from one thread that lives as long as they do: the kernel kills them when it ends.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        """`environment` is all they get."""
        self._directory = directory
        self._environment = environment
        self._children: dict[str, _Child] = {}

    def run(self, name: str, *arguments: str) -> None:
        """Start `manage.py ARGUMENTS`, and keep it running from now on."""
        directory = self._directory / name
        directory.mkdir(parents=True, exist_ok=True)
        self._children[name] = child = _Child(name, arguments, directory)
        self._start(child)

    @property
    def alive(self) -> dict[str, int]:
        """Name and process id of what is running."""
        return {
            child.name: child.process.pid
            for child in self._children.values()
            if child.process is not None and child.process.is_running
        }

    @property
    def restarts(self) -> int:
        """How often something had to be started again."""
        return sum(child.starts - 1 for child in self._children.values())

    def look_after(self) -> None:
        """Start again what died, after a pause that grows. To be called all the time.

        Raises KeepsDyingError.
        """
        now = time.monotonic()
        for child in self._children.values():
            if child.process is None:
                if now >= child.start_at:
                    self._start(child)
            elif not child.process.is_running:
                self._bury(child)

    def kill(self, name: str) -> int:
        """SIGKILL a living one with its children, and return its process id. It will be started again."""
        child = self._children[name]
        pid = self.alive[name]
        os.kill(pid, signal.SIGSTOP)  # so that it makes no more children while we look
        for grandchild in children_of(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(grandchild, signal.SIGKILL)
        self._bury(child, on_purpose=True)
        return pid

    def stop(self) -> None:
        """SIGTERM to all, and SIGKILL to who does not end in time."""
        for pid in self.alive.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self._children.values():
            if child.process is not None:
                child.process.end(signal.SIGTERM, max(0.1, deadline - time.monotonic()))
                child.process = None
        self._children.clear()

    def _start(self, child: _Child) -> None:
        child.process = ServerProcess.spawn(
            child.name,
            [sys.executable, MANAGE, *child.arguments],
            directory=child.directory,
            environment=self._environment,
        )
        child.started_at = time.monotonic()
        child.starts += 1

    def _bury(self, child: _Child, *, on_purpose: bool = False) -> None:
        if child.process is not None:
            child.process.end(signal.SIGKILL)
        child.process = None
        is_quick = not on_purpose and time.monotonic() - child.started_at < STEADY_SECONDS
        child.quick_deaths = child.quick_deaths + 1 if is_quick else 0
        if child.quick_deaths >= MAX_QUICK_DEATHS:
            raise KeepsDyingError(f"{child.name} keeps ending. See {child.directory / 'server.log'}.")
        child.start_at = time.monotonic() + FIRST_PAUSE_SECONDS * 2**child.quick_deaths

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def children_of(pid: int) -> list[int]:
    """Process ids of the children of a process; none where there is no /proc."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found
