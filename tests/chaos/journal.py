"""The publisher's log: every attempt is written before SNS is asked, every answer after it came.

What was attempted and never acknowledged is *unknown*: it may have arrived or not.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Line(enum.StrEnum):
    """What a line of the log says about the publications that it names."""

    ATTEMPT = "attempt"
    ACKNOWLEDGED = "acknowledged"
    UNKNOWN = "unknown"
    """No answer came. Nothing follows from this line that does not follow from its absence."""


@dataclass(frozen=True)
class Published:
    """Names of publications, by what the publisher knows of them."""

    acknowledged: frozenset[str]
    unknown: frozenset[str]

    @cached_property
    def attempted(self) -> frozenset[str]:
        """Everything that may have arrived. Made once: a full run asks for every one of its rows."""
        return self.acknowledged | self.unknown


class Journal:
    """Appends lines to a file, each flushed before `write` returns."""

    def __init__(self, path: Path) -> None:
        """The file must not exist."""
        self._file: IO[str] = path.open("x")

    def write(self, line: Line, names: Sequence[str]) -> None:
        """Add a line."""
        self._file.write(json.dumps([line, *names]) + "\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read(lines: Iterable[str]) -> Published:
    """What a log says."""
    attempted: set[str] = set()
    acknowledged: set[str] = set()
    for line in lines:
        kind, *names = json.loads(line)
        if kind == Line.ATTEMPT:
            attempted.update(names)
        elif kind == Line.ACKNOWLEDGED:
            acknowledged.update(names)
    return Published(frozenset(acknowledged), frozenset(attempted - acknowledged))
