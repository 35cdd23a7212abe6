"""A wall clock that somebody else can set wrong, in one process of the pipeline.

The settings of the pipeline call `follow`; faults call `set_wrong`. Each process has a file with
eight bytes, its error in seconds; horses share their worker's. Only what Python reads is wrong, and
only the wall clock: `time.monotonic`, sockets and the servers keep their time.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import gc
import mmap
import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

DIRECTORY = "PASSPORT_TEST_CLOCKS"
"""Name of the variable: where the files are."""
FOLDER = "clocks"
"""In the folder of a run."""
_ERROR = struct.Struct("d")


def follow(directory: str) -> None:
    """From now on this process, and whom it forks, reads the time with the error that its file says."""
    if directory:
        path = Path(directory) / str(os.getpid())
        path.write_bytes(_ERROR.pack(0.0))
        with path.open("r+b") as file:
            error = mmap.mmap(file.fileno(), _ERROR.size)
        _patch(lambda: _ERROR.unpack_from(error)[0])


def set_wrong(directory: Path, pid: int, seconds: float) -> bool:
    """Let the clock of a process be wrong by so much; False when it follows none (any more)."""
    with suppress(FileNotFoundError), (directory / str(pid)).open("r+b") as file:
        file.write(_ERROR.pack(seconds))
        return True
    return False


def _patch(error: Callable[[], float]) -> None:
    right, right_ns = time.time, time.time_ns
    time.time = lambda: right() + error()
    time.time_ns = lambda: right_ns() + int(error() * 1e9)

    def now(cls: type[dt.datetime], tz: dt.tzinfo | None = None) -> dt.datetime:
        return cls.fromtimestamp(time.time(), tz)

    def utcnow(cls: type[dt.datetime]) -> dt.datetime:
        return cls.fromtimestamp(time.time(), dt.UTC).replace(tzinfo=None)

    # A subclass would not be what other modules have imported already, and a C type takes no new
    # attributes: they go into its dictionary, which only the garbage collector shows.
    own: dict[str, Any] = gc.get_referents(dt.datetime.__dict__)[0]
    own |= {"now": classmethod(now), "utcnow": classmethod(utcnow)}
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(dt.datetime))
