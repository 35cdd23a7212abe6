"""The fields of a record as leaves: a compound field `Name` is `Name.FirstName` and `Name.LastName`.

An object is taken apart only where its shape is known. What another encoding or another of Salesforce's
APIs wraps around a value would become a field that no record has, and is refused instead: `wrappers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from passport_events.exceptions import Unreadable
from passport_events.wire.json_fields import safe_name
from passport_events.wire.unsupported import find_wrapper

MAX_NAME_LENGTH = 255
"""Characters of a leaf's whole name."""
MAX_PARTS = 8
"""Parts of a leaf's whole name, with dots between them. Every field is looked up by each of them."""
MAX_NESTED_CHARACTERS = 4 * 1024 * 1024
"""Of the names of all nested leaves: without a limit, long names grow far beyond the body."""

COMPONENTS = frozenset(
    {
        *("salutation", "firstname", "middlename", "lastname", "informalname", "suffix"),
        *("street", "city", "state", "statecode", "postalcode", "country", "countrycode"),
        *("latitude", "longitude", "geocodeaccuracy"),
    }
)
"""What Salesforce's three kinds of compound fields consist of: names, addresses and geolocations.

Format: "Compound Fields" in Salesforce's Object Reference. Those of custom addresses end with `__s`.
"""

FindProblem = Callable[[Any], str | None]
"""What is wrong with an object or array in place of a value, as the end of a sentence, or None."""


def flatten_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leaf names and values of a record that people wrote; an array is a value.

    Raises Unreadable `schema`, `duplicate_key`, `too_large` or `unknown_shape`.
    """
    return _flatten(fields, _find_json_problem)


def flatten_salesforce_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a record that Salesforce wrote: values, arrays of them, and its own compound fields."""
    return _flatten(fields, _find_compound_problem)


def read_flat_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a platform event, whose fields are neither objects nor arrays."""
    return _flatten(fields, _find_flat_problem)


def drop_nulls(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Without nulls: where an event carries the whole record, an absent field is an empty one."""
    return {name: value for name, value in leaves.items() if value is not None}


def check_name(name: str) -> None:
    """Refuse a name that no field can have."""
    if len(name) > MAX_NAME_LENGTH:
        raise Unreadable("schema", f"a field name must not be longer than {MAX_NAME_LENGTH} characters")
    if name.count(".") >= MAX_PARTS:
        raise Unreadable("schema", f"a field name must not have more than {MAX_PARTS} parts")


def _flatten(fields: Mapping[str, Any], problem_of: FindProblem) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict | list):
            problem = problem_of(value)
            if problem:
                raise Unreadable("unknown_shape", f"{safe_name(name)} is {problem}")
        if isinstance(value, dict):
            check_name(name)
            _add_nested_leaves(found, name, value)
        else:
            _add_leaf(found, name, value)
    return found


def _add_leaf(found: dict[str, Any], name: str, value: Any) -> None:
    check_name(name)
    if name in found:
        raise Unreadable("duplicate_key", "a field name with dots names a nested field again")
    found[name] = value


def _add_nested_leaves(found: dict[str, Any], name: str, value: Mapping[str, Any]) -> None:
    characters = 0
    todo = [(name, value)]
    while todo:
        prefix, holder = todo.pop()
        for own, item in holder.items():
            leaf = f"{prefix}.{own}"
            if isinstance(item, dict):
                check_name(leaf)
                todo.append((leaf, item))
            else:
                characters += len(leaf)
                _add_leaf(found, leaf, item)
        if characters > MAX_NESTED_CHARACTERS:
            raise Unreadable("too_large", "its nested field names, each with all that is above it")


def _find_flat_problem(value: Any) -> str | None:
    return find_wrapper(value) or "an object or an array, and no field of a platform event is"


def _find_compound_problem(value: Any) -> str | None:
    wrapper = find_wrapper(value)
    if wrapper:
        return wrapper
    if isinstance(value, list):
        is_nested = any(isinstance(item, dict | list) for item in value)
        return "an array of objects or arrays, which Salesforce does not send" if is_nested else None
    if all(name.lower().removesuffix("__s") in COMPONENTS for name in value) and not any(
        isinstance(item, dict | list) for item in value.values()
    ):
        return None
    return "an object, and no name, address or geolocation"


def _find_json_problem(value: Any) -> str | None:
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            wrapper = find_wrapper(item)
            if wrapper:
                return wrapper
            todo += item.values()
        elif isinstance(item, list):
            todo += item
    return None
