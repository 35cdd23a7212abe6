"""Single keys from the terminal, without waiting for Return."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any, Self


class Keys:
    """Reads keys while it is entered; without a terminal there never are any.

    Ctrl-C stays Ctrl-C, and the terminal is left as it was found.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        """From standard input, unless `descriptor` is another terminal."""
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._before: list[Any] | None = None

    def pressed(self) -> str:
        """What was pressed since the last call."""
        if self._before is None or not select.select([self._descriptor], [], [], 0)[0]:
            return ""
        return os.read(self._descriptor, 64).decode(errors="ignore")

    def __enter__(self) -> Self:
        if os.isatty(self._descriptor):
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
            self._before = None
