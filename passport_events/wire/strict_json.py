"""JSON with limits: what Python's own reader lets through and a database, or the next reader, would not.

The common case pays for four byte counts, one search and hooks that run inside the C scanner. Only
a body that looks suspicious is walked.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from decimal import Decimal
from typing import Any, NoReturn

from passport_events.exceptions import Unreadable
from passport_events.wire.json_fields import safe_name

MAX_DEPTH = 64
"""Levels of arrays and objects."""
MAX_NODES = 100_000
"""Values in all: every scalar, array and object, the outermost one included."""
MAX_NUMBER_LENGTH = 64
"""Characters of one number."""
_ZERO = Decimal("0.0")

# Possessive and with an optional end, so that no string, closed or not, is looked at twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ZERO_DIGITS = re.compile("[-0.]+[eE]")
_SUSPICIOUS_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def loads(body: bytes, max_bytes: int) -> object:
    """The value that a body of UTF-8 JSON holds; a byte order mark is accepted.

    Raises Unreadable, and nothing else, with reason `too_large`, `empty_body`, `bad_encoding`,
    `bad_unicode`, `too_deep`, `too_many_nodes`, `invalid_json`, `number_too_long`, `non_finite`,
    `duplicate_key` or `nul_char`.
    """
    if len(body) > max_bytes:
        raise Unreadable("too_large", f"{len(body)} bytes, {max_bytes} are allowed")
    text = _decode(body)
    if not text or text.isspace():
        raise Unreadable("empty_body")
    # Brackets and commas inside strings count too here: never fewer than there are levels and values.
    opened = body.count(b"[") + body.count(b"{")
    if opened > MAX_DEPTH or opened + body.count(b",") >= MAX_NODES:
        _check_structure(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos}"
    else:
        if _SUSPICIOUS_ESCAPE.search(text):
            _check_strings(value)
        return value
    # Outside the handler, because the decoder's error holds the whole document.
    raise Unreadable("invalid_json", problem)


def loads_object(body: bytes, max_bytes: int) -> dict[str, Any]:
    """As `loads`, and `not_an_object` for every other kind of value."""
    value = loads(body, max_bytes)
    if not isinstance(value, dict):
        raise Unreadable("not_an_object")
    return value


def check_text(text: str) -> None:
    """Refuse what PostgreSQL cannot store: `nul_char`, `bad_unicode` (a lone surrogate)."""
    if "\0" in text:
        raise Unreadable("nul_char")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise Unreadable("bad_unicode", "a lone surrogate")


def _decode(body: bytes) -> str:
    if b"\0" in body[:4]:
        # Any JSON in UTF-16 or UTF-32 has a zero among its first bytes; here it would look like ASCII.
        raise Unreadable("bad_encoding", "not UTF-8")
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        position = error.start
    try:
        body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise Unreadable("bad_encoding", f"not UTF-8 at byte {position}") from None
    raise Unreadable("bad_unicode", f"a lone surrogate at byte {position}")


def _check_structure(body: bytes) -> None:
    """Count levels and values without recursion, before a recursive reader sees them."""
    bare = _STRING.sub(b'"', body).translate(None, b" \t\r\n")
    depth = 0
    for bracket in bare.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise Unreadable("too_deep", f"more than {MAX_DEPTH} levels")
    opened = bare.count(b"[") + bare.count(b"{")
    if 1 + bare.count(b",") + opened - bare.count(b"[]") - bare.count(b"{}") > MAX_NODES:
        raise Unreadable("too_many_nodes", f"more than {MAX_NODES} values")


def _check_strings(value: object) -> None:
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            check_text(item)
        elif isinstance(item, dict):
            todo += item.keys()
            todo += item.values()
        elif isinstance(item, list):
            todo += item


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Unreadable("duplicate_key", safe_name(name))
    return found


def _parse_int(text: str) -> int:
    _check_length(text)
    return int(text)


def _parse_decimal(text: str) -> Decimal:
    """Exactly the number, as PostgreSQL gives it back: with decimal places, and no minus before zero."""
    _check_length(text)
    if "e" not in text and "E" not in text:
        number = Decimal(text)
        return number or number.copy_abs()
    double = float(text)
    if math.isinf(double) or not (double or _ZERO_DIGITS.match(text)):
        _refuse_constant(text)  # before Decimal sees an exponent that would take gigabytes to write out
    number = Decimal(text) if double else _ZERO
    exponent = number.as_tuple().exponent
    return number if isinstance(exponent, int) and exponent < 0 else Decimal(f"{number:f}.0")


def _check_length(text: str) -> None:
    if len(text) > MAX_NUMBER_LENGTH:
        raise Unreadable("number_too_long", f"{len(text)} characters, {MAX_NUMBER_LENGTH} are allowed")


def _refuse_constant(_: str) -> NoReturn:
    raise Unreadable("non_finite", "NaN, Infinity or a number beyond the range of a double")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object,
    parse_int=_parse_int,
    parse_float=_parse_decimal,
    parse_constant=_refuse_constant,
)
