"""A line on a terminal that counts; nothing where nobody looks."""

from __future__ import annotations

import sys


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
            sys.stderr.write(f"\r{done:,}{self._of} {self._what}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line as it is."""
        if self._is_seen:
            sys.stderr.write("\n")
