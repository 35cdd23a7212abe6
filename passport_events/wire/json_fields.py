"""Members of a JSON object, required to be of one kind. Every error names a path, never a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from passport_events.exceptions import Unreadable

_SHOWABLE = re.compile(r"[A-Za-z0-9_]{1,80}")


def safe_name(name: str) -> str:
    """A name from a payload as an error may show it: API names only, anything else may be data."""
    return name if _SHOWABLE.fullmatch(name) else "(a name that cannot be shown)"


def schema_error(path: str, rule: str) -> Unreadable:
    """The error `schema`, to be raised: which member, and what it must be."""
    return Unreadable("schema", f"{path} must {rule}")


def require_object(holder: Mapping[str, Any], name: str, path: str = "") -> dict[str, Any]:
    """A required object. `path` is that of the holder, with its last dot."""
    value = holder.get(name)
    if not isinstance(value, dict):
        raise schema_error(path + name, "be an object")
    return value


def require_text(holder: Mapping[str, Any], name: str, path: str = "") -> str:
    """A required string that is not empty."""
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise schema_error(path + name, "be a string that is not empty")
    return value


def get_optional_text(holder: Mapping[str, Any], name: str, path: str = "") -> str | None:
    """A string, or None where it is absent or null."""
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise schema_error(path + name, "be a string")
    return value


def require_whole_number(holder: Mapping[str, Any], name: str, low: int, high: int, path: str = "") -> int:
    """A required integer between two bounds, both included; true and 1.0 are none."""
    value = holder.get(name)
    if type(value) is not int or not low <= value <= high:
        raise schema_error(path + name, f"be a whole number between {low} and {high}")
    return value


def require_texts(holder: Mapping[str, Any], name: str, path: str = "") -> tuple[str, ...]:
    """A required array of strings."""
    value = holder.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise schema_error(path + name, "be an array of strings")
    return tuple(value)
