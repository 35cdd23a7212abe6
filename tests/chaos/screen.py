"""Progress: one line that moves on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

_TERMINAL_SECONDS = 0.5
_PLAIN_SECONDS = 15.0
_WIDTH = 118


class Screen:
    """A context manager that shows what `describe()` says, from a thread of its own."""

    def __init__(self, describe: Callable[[], str]) -> None:
        """`describe` must not raise."""
        self._describe = describe
        self._is_terminal = sys.stderr.isatty()
        self._seconds = _TERMINAL_SECONDS if self._is_terminal else _PLAIN_SECONDS
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
            line = f"{minutes:02d}:{seconds:02d} {self._describe()}"[:_WIDTH]
            if self._is_terminal:
                sys.stderr.write(f"\r{line:<{_WIDTH}}")
            else:
                sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        if self._is_terminal:
            sys.stderr.write("\r" + " " * _WIDTH + "\r")
