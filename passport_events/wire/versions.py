"""The contract's `sequence`, which orders the events of a record."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from passport_events.event import Version, VersionKind
from passport_events.wire.json_fields import schema_error

# Milliseconds since 1970, and two numbers of the producer's own.
_SEQUENCE = re.compile(r"[0-9]{14}\.[0-9]{20}\.[0-9]{6}")
_DIGITS = re.compile(r"[0-9]{1,14}")
_LAST_MILLISECOND = 10**14 - 1
_TIME = "milliseconds since 1970, or an ISO 8601 time with its offset"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_sequence(text: str, path: str) -> Version:
    """The version that a sequence is. Raises Unreadable `schema`."""
    if not _SEQUENCE.fullmatch(text):
        raise schema_error(path, "be 14, 20 and 6 digits with dots between them")
    return Version(VersionKind.SEQUENCE, text)


def parse_sequence_or_time(value: object, path: str) -> Version:
    """The same, also from milliseconds since 1970 or an ISO 8601 time with its offset.

    A time orders less: two events of one millisecond, or of one second where that is all Salesforce
    writes, are a tie. Raises Unreadable `schema`.
    """
    if isinstance(value, str) and _SEQUENCE.fullmatch(value):
        return parse_sequence(value, path)
    milliseconds = _parse_milliseconds(value)
    if milliseconds is None:
        raise schema_error(path, f"be a sequence, {_TIME}")
    return Version(VersionKind.SEQUENCE, f"{milliseconds:014d}.{0:020d}.{0:06d}")


def parse_time(value: object, path: str) -> datetime:
    """The instant that milliseconds since 1970 or an ISO 8601 time with its offset are, in UTC.

    Raises Unreadable `schema`.
    """
    milliseconds = _parse_milliseconds(value)
    if milliseconds is None:
        raise schema_error(path, f"be {_TIME}")
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _parse_milliseconds(value: object) -> int | None:
    found = _parse_any_milliseconds(value)
    return found if found is not None and 0 <= found <= _LAST_MILLISECOND else None


def _parse_any_milliseconds(value: object) -> int | None:
    if type(value) is int:
        return value
    if not isinstance(value, str):
        return None
    if _DIGITS.fullmatch(value):
        return int(value)
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if time.tzinfo is None else (time - _EPOCH) // timedelta(milliseconds=1)
