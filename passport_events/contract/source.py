"""Reading what somebody named on the command line."""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path

from passport_events.contract.payloads import MAX_INPUT_BYTES
from passport_events.exceptions import OperationRefused

STANDARD_INPUT = "-"
_PIECE_BYTES = 1024 * 1024


def read(name: str) -> bytes:
    """All bytes of a file, or of standard input for `-`. Raises OperationRefused."""
    try:
        with _opened(name) as file:
            data = _all_of(file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OperationRefused(f"{name} cannot be read: {reason}.") from error
    if len(data) > MAX_INPUT_BYTES:
        raise OperationRefused(f"{name} has more than {MAX_INPUT_BYTES:,} bytes. Split it.")
    return data


def _opened(name: str) -> BufferedReader:
    # By number, because sys.stdin is None where the shell has closed it.
    return open(0, "rb", closefd=False) if name == STANDARD_INPUT else Path(name).open("rb")


def _all_of(file: BufferedReader) -> bytes:
    """Piece by piece: inside one long read, Python would not notice Ctrl-C."""
    pieces: list[bytes] = []
    left = MAX_INPUT_BYTES + 1
    while left and (piece := file.read1(min(_PIECE_BYTES, left))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
