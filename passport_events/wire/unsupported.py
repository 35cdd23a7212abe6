"""Formats that are known and not read yet, so that a person sees which one it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from passport_events.exceptions import Unreadable
from passport_events.wire import s3_pointer

_SOAP = b"http://schemas.xmlsoap.org/soap/envelope/"
_SOAP_PREFIX_BYTES = 2_048  # bytes; the namespace stands in the first element


def refuse_format(name: str) -> NoReturn:
    """Raise the refusal of a format."""
    # One client once sent it so. It could be anything, and what it names would be fetched.
    without = " without its class name" if name == s3_pointer.NAME else ""
    raise Unreadable("unsupported_format", name + without)


def name_format(body: object) -> str:
    """A short name, `unknown` for an object of no known shape. Raises Unreadable `not_an_object`."""
    if not isinstance(body, dict):
        raise Unreadable("not_an_object")
    if body.keys() >= set(s3_pointer.MEMBERS):
        return s3_pointer.NAME
    if body.keys() >= {"detail-type", "detail"}:
        return _name_eventbridge_format(body)
    data = body.get("data", body)
    if isinstance(data, dict) and isinstance(data.get("payload"), dict):
        return "cometd"
    return "unknown"


def is_soap(body: bytes) -> bool:
    """Whether it is XML of the kind that Salesforce's outbound messages are; a web page is none."""
    start = body[:_SOAP_PREFIX_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and _SOAP in start


def _name_eventbridge_format(body: dict[str, Any]) -> str:
    return "appflow" if str(body.get("source")).startswith("aws.partner/appflow") else "eventbridge"


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
