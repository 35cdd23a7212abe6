"""Search bytes for the id of a record, in any encoding: pure, and linear in the length of the bytes.

What could not be read as an event names its record only in its bytes: plainly, in JSON inside JSON,
with escapes, or compressed and in base64.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from passport_events.exceptions import Unreadable
from passport_events.salesforce_ids import normalize_id

MAX_DEPTH = 4
"""Nested encodings."""
MAX_UNPACKED_BYTES = 16 * 1_024 * 1_024
"""Of one delivery: a few bytes can unpack to gigabytes."""

_BACKSLASHES = re.compile(rb"\\{2,}")
_ESCAPE = re.compile(rb"\\u([0-9A-Fa-f]{4})")
_BETWEEN_LINES = re.compile(rb"(?:\\[rn]|\s)+")
_ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{20,}")
"""Twenty characters of base64 hold the fifteen of an id."""
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_GZIP, _ZLIB = b"\x1f\x8b", b"\x78"
_ANY_HEADER = 47
"""Of zlib: 32 KB of memory, and a header of gzip or zlib."""


def contains_record(body: bytes, record_id: str, depth: int = MAX_DEPTH) -> bool:
    """True if bytes contain the id of a record, in 18 characters or the first 15.

    `depth` is how many encodings are undone; 0 is JSON, which is a hundred times faster.
    """
    needle = re.compile(re.escape(record_id[:15].encode()), re.IGNORECASE)
    return any(_has_name(text, needle, record_id) for text in _decode_texts(body, _Budget(), depth))


def _has_name(text: bytes, needle: re.Pattern[bytes], record_id: str) -> bool:
    return any(_is_id(text[hit.start() : hit.start() + 18], record_id) for hit in needle.finditer(text))


def _is_id(found: bytes, record_id: str) -> bool:
    """True for the id in either spelling. The last three characters restore lost case."""
    if found[:15] == record_id[:15].encode():
        return True
    try:
        return normalize_id(found.decode("ascii")) == record_id
    except (Unreadable, UnicodeDecodeError):
        return False


class _Budget:
    """The number of bytes that may still be unpacked."""

    def __init__(self) -> None:
        self.left = MAX_UNPACKED_BYTES


def _decode_texts(body: bytes, budget: _Budget, depth: int) -> Iterator[bytes]:
    """The bytes without escapes, then every decoded text inside them."""
    plain = _BACKSLASHES.sub(b"\\\\", body)
    if b"\\u" in plain:
        plain = _ESCAPE.sub(_decode_character, plain)
    if b"%" in plain:
        plain = unquote_to_bytes(plain)
    yield plain
    if not depth:
        return
    joined = _BETWEEN_LINES.sub(b"", plain).replace(b"\\/", b"/")
    for run in _ENCODED.findall(joined):
        for decoded in _decode_base64(run):
            yield from _decode_texts(_decompress(decoded, budget), budget, depth - 1)


def _decode_character(escape: re.Match[bytes]) -> bytes:
    return chr(int(escape[1], 16)).encode("utf-8", "surrogatepass")


def _decode_base64(run: bytes) -> Iterator[bytes]:
    """Decode base64 at each of four offsets: a path or a key may precede it."""
    for start in range(4):
        text = run[start:].translate(_URL_SAFE)
        text = text[: len(text) - (len(text) % 4 == 1)]
        try:
            yield base64.b64decode(text + b"=" * (-len(text) % 4))
        except binascii.Error:
            continue


def _decompress(data: bytes, budget: _Budget) -> bytes:
    if not data.startswith((_GZIP, _ZLIB)) or budget.left <= 0:
        return data
    try:
        found = zlib.decompressobj(_ANY_HEADER).decompress(data, budget.left)
    except zlib.error:
        return data
    budget.left -= len(found)
    return found
