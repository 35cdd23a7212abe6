"""The fields of a record as leaves: a compound field `Name` is `Name.FirstName` and `Name.LastName`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from passport_events.exceptions import Unreadable

MAX_NAME = 255
"""Characters of a leaf's whole name. Without a limit, nested long names grow far beyond the body."""


def leaves_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leaf names and values; an array is a value. Raises Unreadable `schema` or `duplicate_key`."""
    found: dict[str, Any] = {}
    for name, value in _walk(fields, ""):
        if name in found:
            raise Unreadable("duplicate_key", "a field name with dots names a nested field again")
        found[name] = value
    return found


def known(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Without nulls: where an event carries the whole record, an absent field is an empty one."""
    return {name: value for name, value in leaves.items() if value is not None}


def check_name(name: str) -> None:
    """Refuse a name that no field can have."""
    if len(name) > MAX_NAME:
        raise Unreadable("schema", f"a field name must not be longer than {MAX_NAME} characters")


def _walk(fields: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for own, value in fields.items():
        name = prefix + own
        check_name(name)
        if isinstance(value, dict):
            yield from _walk(value, name + ".")
        else:
            yield name, value
