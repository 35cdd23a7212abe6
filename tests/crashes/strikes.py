"""What happens to a process that reaches its step: it dies, stands still, or meets an exception.

One variable says so, `PASSPORT_TEST_STRIKE="kill received"`; only `apps.py` reads it.
"""

from __future__ import annotations

import builtins
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

STRIKE = "PASSPORT_TEST_STRIKE"
FILE = "PASSPORT_TEST_STRIKE_FILE"
"""Exists once the process has reached its step; a held one goes on when it is removed."""
TOLD = ".told"
"""What the name of that file ends with where the process has heard that it should stop."""
LONGEST_HOLD_SECONDS = 120


def said(step: str) -> str:
    """What a process says on stderr when it is struck: the proof that it was there."""
    return f"struck at: {step}"


def strike(how: str, step: str, file: Path) -> Callable[[], None]:
    """A function that strikes once: `kill`, `hold`, or the name of a built-in exception."""
    first = threading.Lock()

    def struck() -> None:
        if not first.acquire(blocking=False):
            return
        os.write(2, f"{said(step)}\n".encode())
        file.touch()
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "hold":
            _hold(file)
        else:
            raise getattr(builtins, how)

    return struck


def _hold(file: Path) -> None:
    deadline = time.monotonic() + LONGEST_HOLD_SECONDS
    while file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
