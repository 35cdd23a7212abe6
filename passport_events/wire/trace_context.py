"""The publisher's trace headers, wherever its tracer put them.

Nothing here raises: an event is worth more than its trace. Datadog writes one JSON object
`_datadog` (text on SQS, binary on SNS, an object in EventBridge's `detail`), OpenTelemetry the
attributes `traceparent` and `tracestate`, and AWS the system attribute AWSTraceHeader.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from passport_events.exceptions import Unreadable
from passport_events.wire import strict_json

AWS_HEADER = "aws-trace-header"
MAX_VALUE_LENGTH = 2_048
"""Characters of one header."""
_OPENTELEMETRY = ("traceparent", "tracestate")
_MAX_HEADERS = 32
_MAX_NAME_LENGTH = 128
_MAX_JSON_BYTES = 16_384


def read_attributes(attributes: Mapping[str, str], system_attributes: Mapping[str, str]) -> dict[str, str]:
    """Headers from the message attributes and from SQS's own."""
    found = _filter_headers(_parse_datadog(attributes["_datadog"])) if "_datadog" in attributes else {}
    if "traceparent" not in found:
        # Both or none: a tracestate belongs to the traceparent it came with.
        found |= _filter_headers({name: attributes[name] for name in _OPENTELEMETRY if name in attributes})
    if "AWSTraceHeader" in system_attributes:
        found |= _filter_headers({AWS_HEADER: system_attributes["AWSTraceHeader"]})
    return found


def read_body(body: object) -> dict[str, str]:
    """Headers that a producer put into an EventBridge event."""
    detail = body.get("detail") if isinstance(body, dict) else None
    return _filter_headers(detail.get("_datadog")) if isinstance(detail, dict) else {}


def _parse_datadog(text: str) -> object:
    try:
        raw = text.encode() if text.startswith("{") else base64.b64decode(text, validate=True)
        return strict_json.loads_object(raw, _MAX_JSON_BYTES)
    except (Unreadable, binascii.Error, ValueError):
        return None


def _filter_headers(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    kept = {name: value for name, value in found.items() if _is_header(name, value)}
    return kept if len(kept) <= _MAX_HEADERS else {}


def _is_header(name: object, value: object) -> bool:
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    try:
        strict_json.check_text(name + value)
    except Unreadable:
        return False
    return len(name) <= _MAX_NAME_LENGTH and len(value) <= MAX_VALUE_LENGTH
