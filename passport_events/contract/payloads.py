"""The payloads in a file: one JSON document, or one on each line."""

from __future__ import annotations

import codecs
import dataclasses

from passport_events.exceptions import Unreadable
from passport_events.wire import strict_json

MAX_INPUT_BYTES = 256 * 1024 * 1024
"""It is all held in memory, and an input without an end should be refused before that is gone."""

_BLANK = b" \t\r\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Payload:
    """The bytes that somebody wants to send, or has received."""

    line: int
    """Where they begin in the file, from 1."""
    body: bytes = dataclasses.field(repr=False)


def payloads_in(data: bytes) -> list[Payload]:
    """Every payload of a file; none where it is blank.

    A file is JSON lines when it is not one document and a line of it looks like an object: a document
    that is broken stays one, however many lines it has.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    lines = [Payload(number, line.strip(_BLANK)) for number, line in enumerate(data.split(b"\n"), 1)]
    lines = [payload for payload in lines if payload.body]
    if len(lines) > 1 and _is_one_document(lines, data):
        return [Payload(lines[0].line, data.strip(_BLANK))]
    return lines


def _is_one_document(lines: list[Payload], data: bytes) -> bool:
    if _is_json(lines[0].body):
        return False  # Whatever follows a whole value is another one; no need to look at it all.
    return _is_json(data) or not any(_looks_like_an_object(payload.body) for payload in lines)


def _is_json(data: bytes) -> bool:
    try:
        strict_json.loads(data, len(data))
    except Unreadable:
        return False
    return True


def _looks_like_an_object(line: bytes) -> bool:
    return line.startswith(b"{") and line.endswith(b"}") and line != b"{}"
