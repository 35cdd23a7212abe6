"""Formats that are known and not read yet, so that a person sees which one it was."""

from __future__ import annotations

from typing import Any, NoReturn

from passport_events.exceptions import Unreadable
from passport_events.wire import s3_pointer

_SOAP = b"http://schemas.xmlsoap.org/soap/envelope/"
_START_OF_SOAP = 2_048  # bytes; the namespace stands in the first element


def refuse(name: str) -> NoReturn:
    """Raise the refusal of a format."""
    # One client once sent it so. It could be anything, and what it names would be fetched.
    without = " without its class name" if name == s3_pointer.NAME else ""
    raise Unreadable("unsupported_format", name + without)


def name_of(body: object) -> str:
    """A short name, `unknown` for an object of no known shape. Raises Unreadable `not_an_object`."""
    if not isinstance(body, dict):
        raise Unreadable("not_an_object")
    if body.keys() >= set(s3_pointer.MEMBERS):
        return s3_pointer.NAME
    if body.keys() >= {"detail-type", "detail"}:
        return _eventbridge(body)
    data = body.get("data", body)
    if isinstance(data, dict) and isinstance(data.get("payload"), dict):
        return "cometd"
    return "unknown"


def is_soap(body: bytes) -> bool:
    """Whether it is XML of the kind that Salesforce's outbound messages are; a web page is none."""
    start = body[:_START_OF_SOAP].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and _SOAP in start


def _eventbridge(body: dict[str, Any]) -> str:
    return "appflow" if str(body.get("source")).startswith("aws.partner/appflow") else "eventbridge"
