"""A line on a terminal that counts; nothing where nobody looks."""

from __future__ import annotations

import sys
from contextlib import suppress


class Counter:
    """Counts on standard error, so that a report on standard output stays clean."""

    def __init__(self, total: int | None, what: str) -> None:
        """`total` is None where nobody knows it."""
        self._of = "" if total is None else f" of {total:,}"
        self._what = what
        self._is_seen = sys.stderr.isatty() and total != 0

    def show(self, done: int) -> None:
        """So many are done."""
        if self._is_seen:
            self._write(f"\r{done:,}{self._of} {self._what}")

    def end(self) -> None:
        """Leave the line as it is."""
        if self._is_seen:
            self._write("\n")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a terminal that was closed is no reason to end the work
            sys.stderr.write(text)
            sys.stderr.flush()
