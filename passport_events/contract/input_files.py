"""Read input of the checker: files, the payloads in a file, and settings."""

from __future__ import annotations

import codecs
import dataclasses
from io import BufferedReader
from pathlib import Path

from passport_events import conf
from passport_events.conf import Settings
from passport_events.exceptions import ConfigurationError, OperationRefused, Unreadable
from passport_events.wire import strict_json

STANDARD_INPUT = "-"
_CHUNK_BYTES = 1024 * 1024


def read_input(name: str) -> bytes:
    """All bytes of a file, or of standard input for `-`. Raises OperationRefused."""
    try:
        with _open_input(name) as file:
            data = _read_all(file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OperationRefused(f"{name} cannot be read: {reason}.") from error
    if len(data) > MAX_INPUT_BYTES:
        raise OperationRefused(f"{name} has more than {MAX_INPUT_BYTES:,} bytes. Split it.")
    return data


def _open_input(name: str) -> BufferedReader:
    # By number, because sys.stdin is None where the shell has closed it.
    return open(0, "rb", closefd=False) if name == STANDARD_INPUT else Path(name).open("rb")


def _read_all(file: BufferedReader) -> bytes:
    """Piece by piece: inside one long read, Python would not notice Ctrl-C."""
    pieces: list[bytes] = []
    left = MAX_INPUT_BYTES + 1
    while left and (piece := file.read1(min(_CHUNK_BYTES, left))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


MAX_INPUT_BYTES = 256 * 1024 * 1024
"""It is all held in memory, and an input without an end should be refused before that is gone."""

_BLANK = b" \t\r\n"


@dataclasses.dataclass(frozen=True, slots=True)
class InputPayload:
    """The bytes that somebody wants to send, or has received."""

    line: int
    """Where they begin in the file, from 1."""
    body: bytes = dataclasses.field(repr=False)


def split_payloads(data: bytes) -> list[InputPayload]:
    """Every payload of a file; none where it is blank.

    A file is JSON lines when it is not one document and a line of it looks like an object: a document
    that is broken stays one, however many lines it has.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    lines = [InputPayload(number, line.strip(_BLANK)) for number, line in enumerate(data.split(b"\n"), 1)]
    lines = [payload for payload in lines if payload.body]
    if len(lines) > 1 and _is_one_document(lines, data):
        return [InputPayload(lines[0].line, data.strip(_BLANK))]
    return lines


def _is_one_document(lines: list[InputPayload], data: bytes) -> bool:
    if _is_json(lines[0].body):
        return False  # Whatever follows a whole value is another one; no need to look at it all.
    return _is_json(data) or not any(_is_object_line(payload.body) for payload in lines)


def _is_json(data: bytes) -> bool:
    try:
        strict_json.loads(data, len(data))
    except Unreadable:
        return False
    return True


def _is_object_line(line: bytes) -> bool:
    return line.startswith(b"{") and line.endswith(b"}") and line != b"{}"


_DUMMY_QUEUE_URL = "https://127.0.0.1/none"


def parse_settings_file(data: bytes) -> Settings:
    """The typed settings of a JSON object with keys of `PASSPORT_EVENTS`; none is required here.

    Raises ConfigurationError with every wrong key.
    """
    try:
        raw = strict_json.loads_object(data, len(data))
    except Unreadable as error:
        raise ConfigurationError(f"The settings must be one JSON object ({error}).") from error
    raw = {"QUEUE_URL": _DUMMY_QUEUE_URL, **raw}
    wrong = [f"{problem.key} {problem.text}. {problem.hint}" for problem in conf.find_problems(raw)]
    if wrong:
        raise ConfigurationError(" ".join(wrong))
    return conf.parse_settings(raw)
