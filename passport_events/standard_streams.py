"""Handle closed, full or missing standard streams as other Unix tools do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CLOSED_EXIT_CODE = 128 + signal.SIGPIPE
"""What shells show for a program that SIGPIPE ended: `yes | head` has it too."""
INTERRUPTED_EXIT_CODE = 128 + signal.SIGINT
UNWRITABLE_EXIT_CODE = 2


class OutputError(Exception):
    """Standard output cannot be written. The `__cause__` is the OSError."""

    @property
    def is_closed(self) -> bool:
        """True if the reader of a pipe has closed it, as `| head` does."""
        return isinstance(self.__cause__, BrokenPipeError)


@contextmanager
def guard_streams(program: str) -> Iterator[None]:
    """Around all that a command does.

    Where standard output is a closed pipe the process ends quietly; where it cannot be written it says
    so and exits 2; where a stream is missing (`>&-`) the command does its work in silence. A problem of
    standard error never changes the exit code.
    """
    before = sys.stdout, sys.stderr
    sys.stdout = _Guarded(sys.stdout or _open_null(), _raise)
    sys.stderr = _Guarded(sys.stderr or _open_null(), _ignore)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OutputError as error:
        discard_output(before[0])
        if error.is_closed:
            sys.exit(CLOSED_EXIT_CODE)
        reason = getattr(error.__cause__, "strerror", None) or type(error.__cause__).__name__
        sys.stderr.write(f"{program}: standard output cannot be written: {reason}.\n")
        sys.exit(UNWRITABLE_EXIT_CODE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_EXIT_CODE)
    finally:
        sys.stderr.flush()
        for stream, own in zip(before, (sys.stdout, sys.stderr), strict=True):
            if stream is None:
                own.close()
        sys.stdout, sys.stderr = before


def discard_output(stream: Any) -> None:
    """Let what is still in its buffer vanish: Python writes it at its end, and would complain."""
    with suppress(OSError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _open_null() -> Any:
    # Takes the free descriptor too, which the next file to be opened would get instead.
    return Path(os.devnull).open("w", encoding="utf-8")


def _raise(error: Exception) -> None:
    raise OutputError from error


def _ignore(error: Exception) -> None:
    pass


class _Guarded:
    """A text stream that tells its failures from those of other files and of sockets."""

    def __init__(self, stream: Any, on_error: Callable[[Exception], None]) -> None:
        self._stream = stream
        self._on_error = on_error

    def write(self, text: str) -> int:
        return self._try(self._stream.write, text) or 0

    def writelines(self, lines: Any) -> None:
        self._try(self._stream.writelines, lines)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, do: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return do(*arguments)
        except UnicodeError:
            raise
        except (OSError, ValueError) as error:  # ValueError: the stream was closed in this process
            return self._on_error(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
