"""Objects that stand around a value or a record in encodings and APIs that are not agreed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_AVRO = frozenset(
    {
        *("null", "boolean", "int", "long", "float", "double", "bytes", "string"),
        *("array", "map", "enum", "fixed", "record"),
    }
)
_DISPLAYED = frozenset(("value", "displayValue", "label"))
_TYPED = frozenset(
    {
        *("stringValue", "boolValue", "nullValue", "numberValue", "intValue", "doubleValue", "listValue"),
        *("integerValue", "booleanValue", "timestampValue", "structValue", "StringValue", "BinaryValue"),
        *("#text", "_text", "@nil", "@xsi:nil", "xsi:nil"),  # XML as JSON
    }
)


def find_wrapper(value: Any) -> str | None:
    """What an object is that wraps a value or a record, as the end of a sentence, or None for no wrapper."""
    if not isinstance(value, Mapping) or not value:
        return None
    alone = next(iter(value)) if len(value) == 1 else ""
    found = None
    if alone in _AVRO or "." in alone:
        found = "a value in Avro's JSON encoding"
    elif "value" in value and value.keys() <= _DISPLAYED:
        found = "a value with what is displayed, as GraphQL and the UI API give it"
    elif is_rest_metadata(value.get("attributes")):
        found = "a record of its own, as the REST API nests it"
    elif "records" in value and value.keys() & {"totalSize", "done"}:
        found = "the answer of a query"
    elif alone in _TYPED or alone.startswith("$"):
        found = "a value with its type, in an encoding that is not agreed"
    return found


def is_rest_metadata(value: Any) -> bool:
    """Whether it is what the REST API and Apex's `JSON.serialize` write as `attributes` of a record."""
    return isinstance(value, Mapping) and "type" in value and value.keys() <= {"type", "url"}
