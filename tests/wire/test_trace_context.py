"""The publisher's trace, and that it never stands in an event's way."""

import base64
import dataclasses
import json

import pytest

from passport_events.wire.raw_delivery import RawDelivery
from passport_events.wire.trace_context import MAX_VALUE_LENGTH
from tests.wire.deliveries import change_event, notification, raw, read, relayed, sns

HEADERS = {
    "x-datadog-trace-id": "7017392034019236",
    "x-datadog-parent-id": "8017392034019236",
    "traceparent": "00-000000000000000018eee5e0b8f4b4a4-1c7bd1a7b0d2a1e4-01",
    "tracestate": "dd=s:1",
}
BINARY = base64.b64encode(json.dumps(HEADERS).encode()).decode()
EVENT = relayed(change_event())


def trace(received: RawDelivery) -> dict[str, str]:
    reading = read(received)
    assert reading.refusal is None
    assert reading.envelope is not None
    return dict(reading.envelope.trace_context)


def with_attribute(value: dict[str, object]) -> RawDelivery:
    return dataclasses.replace(raw(EVENT), message_attributes={"_datadog": value})


def wrapped_binary() -> RawDelivery:
    body = notification(EVENT)
    body["MessageAttributes"] = {"_datadog": {"Type": "Binary", "Value": BINARY}}
    return raw(body)


WAYS = {
    "SQS, text": raw(EVENT, _datadog=json.dumps(HEADERS)),
    "SNS, raw delivery, bytes": with_attribute(
        {"DataType": "Binary", "BinaryValue": json.dumps(HEADERS).encode()}
    ),
    "SNS, raw delivery, an emulator's base64": with_attribute({"DataType": "Binary", "BinaryValue": BINARY}),
    "SNS, wrapped, base64": wrapped_binary(),
    "SNS, wrapped, text": sns(EVENT, _datadog=json.dumps(HEADERS)),
    "EventBridge": raw(relayed(None, detail={"payload": change_event(), "_datadog": HEADERS})),
    "EventBridge through SNS": sns(relayed(None, detail={"payload": change_event(), "_datadog": HEADERS})),
}


@pytest.mark.parametrize("received", WAYS.values(), ids=WAYS.keys())
def test_datadogs_headers_are_found(received: RawDelivery) -> None:
    assert trace(received) == HEADERS


def test_opentelemetrys_attributes_are_found() -> None:
    w3c = {"traceparent": HEADERS["traceparent"], "tracestate": "vendor=1"}
    assert trace(sns(EVENT, **w3c)) == w3c


def test_two_contexts_are_not_mixed() -> None:
    received = raw(EVENT, _datadog=json.dumps(HEADERS), traceparent="00-other", tracestate="vendor=1")
    assert trace(received) == HEADERS
    body = relayed(None, detail={"payload": change_event(), "_datadog": HEADERS})
    assert trace(raw(body, traceparent="00-other")) == {"traceparent": "00-other"}


def test_the_header_of_aws_is_found_beside_another() -> None:
    received = dataclasses.replace(
        raw(EVENT, _datadog=json.dumps(HEADERS)), attributes={"AWSTraceHeader": "Root=1-5759e988-bd862e3f"}
    )
    assert trace(received) == {**HEADERS, "aws-trace-header": "Root=1-5759e988-bd862e3f"}


UNREADABLE = {
    "not JSON": "hello",
    "a cut object": '{"x-datadog-trace-id": ',
    "a list": "[]",
    "base64 of nothing": "",
    "not base64": "{}}",
    "not ASCII": "é",
    "a duplicate key": '{"a": "1", "a": "2"}',
    "too deep": "[" * 5_000,
    "too large": json.dumps({"a": "1" * 20_000}),
    "too many": json.dumps({str(number): "1" for number in range(100)}),
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_dropped_and_the_event_goes_on(text: str) -> None:
    assert trace(sns(EVENT, _datadog=text)) == {}
    assert trace(raw(EVENT, _datadog=text)) == {}


def test_only_short_texts_are_kept() -> None:
    found = {
        "a": 1,
        "b": None,
        "c": ["1"],
        "d": "x" * (MAX_VALUE_LENGTH + 1),
        "e": "x" * MAX_VALUE_LENGTH,
        "f" * 200: "1",
    }
    assert trace(raw(EVENT, _datadog=json.dumps(found))) == {"e": "x" * MAX_VALUE_LENGTH}


@pytest.mark.parametrize("found", [None, "text", 1, ["a"], {"a": {"b": "c"}}])
def test_a_member_of_eventbridge_that_is_no_context_is_dropped(found: object) -> None:
    assert trace(raw(relayed(None, detail={"payload": change_event(), "_datadog": found}))) == {}


def test_what_a_database_cannot_store_is_dropped() -> None:
    received = dataclasses.replace(raw(EVENT), attributes={"AWSTraceHeader": "Root=\0"})
    assert trace(received) == {}
