"""Horses whose worker was killed: they go on working, and become children of this process. Linux only."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from project.demo.processes import children_of

MARK = "PASSPORT_TEST_CHAOS_RUN"
"""In the environment of every pipeline process, with a value that no other run has."""
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Ask the kernel to make orphans among our descendants our children, so that none gets out of sight."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


class Orphans:
    """Finds them by their parent, which is this process, and by the mark of this run."""

    def __init__(self, mark: str) -> None:
        """`mark` is the value of MARK."""
        self._mark = f"{MARK}={mark}".encode()
        self._started: set[int] = set()
        self._alive: set[int] = set()
        self._guard = threading.Lock()

    def look(self) -> list[int]:
        """Pids of those that are alive; those that have ended are reaped."""
        with self._guard:
            children = set(children_of(os.getpid()))
            for pid in self._alive - children:
                self._alive.discard(pid)
            for pid in children - self._alive:
                if self._is_orphan(pid):
                    self._alive.add(pid)
            for pid in list(self._alive):
                # Only those: to wait for a child that somebody else waits for would take its result.
                with suppress(ChildProcessError):
                    if os.waitpid(pid, os.WNOHANG) != (0, 0):
                        self._alive.discard(pid)
            return sorted(self._alive)

    def signal(self, pid: int, how: signal.Signals) -> bool:
        """Send a signal to an orphan; False when it is none (any more)."""
        with self._guard:
            if pid not in self._alive:
                return False
            os.kill(pid, how)  # alive or a zombie: nobody else waits for it
            return True

    def end_all(self) -> None:
        """SIGKILL."""
        for pid in self.look():
            self.signal(pid, signal.SIGKILL)

    def _is_orphan(self, pid: int) -> bool:
        """A process of the pipeline that leads no session of its own: horses lead a group only."""
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            return self._mark in environment.split(b"\0") and os.getsid(pid) != pid
        except (OSError, ProcessLookupError):
            return False
