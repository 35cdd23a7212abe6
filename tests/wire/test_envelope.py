"""SNS's notification and raw delivery, told apart by shape."""

import base64
import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from passport_events.event import Identity
from passport_events.wire.envelope import Envelope
from passport_events.wire.parser import parse_delivery
from passport_events.wire.raw_delivery import RawDelivery
from tests.wire.deliveries import (
    SETTINGS,
    TOPIC,
    change_event,
    notification,
    raw,
    read,
    refusal,
    relayed,
    sample,
    sns,
    why,
)

EVENT = relayed(change_event())


def envelope(received: RawDelivery) -> Envelope:
    found = read(received).envelope
    assert found is not None
    return found


def test_a_notification_gives_its_ids_its_time_and_its_attributes() -> None:
    found = envelope(sns(EVENT, event_type="opportunity"))
    assert found.is_sns
    assert found.sns_message_id == "sns-1"
    assert found.topic_arn == TOPIC
    assert found.published_at == datetime(2026, 5, 7, 22, 29, 48, 679000, tzinfo=UTC)
    assert found.attributes == {"event_type": "opportunity"}
    assert found.body == EVENT


def test_raw_delivery_gives_sqs_time_and_attributes() -> None:
    found = envelope(raw(EVENT, event_type="opportunity"))
    assert not found.is_sns
    assert found.sns_message_id == found.topic_arn == ""
    assert found.published_at == datetime(2026, 5, 7, 22, 29, 48, 123000, tzinfo=UTC)
    assert found.attributes == {"event_type": "opportunity"}
    assert found.body == EVENT


def test_attributes_of_every_type_are_text() -> None:
    attributes: dict[str, dict[str, Any]] = {
        "size": {"DataType": "Number.java.lang.Long", "StringValue": "1514041964116"},
        "tags": {"DataType": "String.Array", "StringValue": '["a"]'},
        "blob": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff"},
    }
    found = envelope(dataclasses.replace(raw(EVENT), message_attributes=attributes))
    assert found.attributes == {
        "size": "1514041964116",
        "tags": '["a"]',
        "blob": base64.b64encode(b"\x00\xff").decode(),
    }


def test_a_captured_notification_is_opened_although_its_message_is_no_event() -> None:
    reading = read(raw(sample("19_sns_notification_with_attributes.json")))
    assert reading.refusal is not None
    assert reading.refusal.reason == "invalid_json"
    assert reading.envelope is not None
    assert reading.envelope.attributes["timestamp"] == "1514041964116"
    assert reading.envelope.body is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-05-07T22:29:48",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-99-01Z",
    ],
)
def test_a_time_that_is_none_falls_back_to_sqs(text: str) -> None:
    body = notification(EVENT) | {"Timestamp": text}
    assert envelope(raw(body)).published_at == datetime(2026, 5, 7, 22, 29, 48, 123000, tzinfo=UTC)


BAD = {
    "no Message": {"Message": None},
    "Message an object": {"Message": {"a": 1}},
    "no MessageId": {"MessageId": None},
    "MessageId empty": {"MessageId": ""},
    "MessageId longer than its column": {"MessageId": "x" * 129},
    "no TopicArn": {"TopicArn": None},
    "TopicArn a number": {"TopicArn": 1},
    "TopicArn longer than its column": {"TopicArn": "x" * 513},
    "attributes a list": {"MessageAttributes": []},
    "an attribute a string": {"MessageAttributes": {"a": "b"}},
    "an attribute without a value": {"MessageAttributes": {"a": {"Type": "String"}}},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_a_notification_that_lacks_what_it_must_have_is_a_bad_envelope(change: dict[str, Any]) -> None:
    body = {name: value for name, value in (notification(EVENT) | change).items() if value is not None}
    assert why(body)[0] == "bad_envelope"


@pytest.mark.parametrize(
    "attribute", [{}, {"DataType": "String"}, {"DataType": "Binary", "StringValue": "a"}]
)
def test_a_raw_attribute_without_a_value_is_a_bad_envelope(attribute: dict[str, Any]) -> None:
    received = dataclasses.replace(raw(EVENT), message_attributes={"a": attribute})
    assert refusal(received).reason == "bad_envelope"
    assert read(received).envelope is None


@pytest.mark.parametrize(("text", "reason"), [("a\0", "nul_char"), ("\ud800", "bad_unicode")])
def test_an_attribute_that_no_database_can_store_is_refused(text: str, reason: str) -> None:
    assert refusal(raw(EVENT, event_type=text)).reason == reason
    assert refusal(raw(EVENT, **{text: "a"})).reason == reason


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_control_message_is_refused_whatever_else_it_lacks(kind: str) -> None:
    assert why({"Type": kind, "SubscribeURL": "https://example.org/"}) == ("control_message", kind)


def test_a_control_message_is_known_by_snss_id() -> None:
    body = notification("") | {"Type": "SubscriptionConfirmation"}
    assert read(raw(body)).fallback_identity == Identity.of("sns", "sns-1")


@pytest.mark.parametrize(
    ("allowed", "reason"),
    [((), None), ((TOPIC,), None), (("arn:a", TOPIC), None), (("arn:a",), "unexpected_topic")],
)
def test_a_topic_must_be_allowed(allowed: tuple[str, ...], reason: str | None) -> None:
    settings = dataclasses.replace(SETTINGS, allowed_topics=allowed)
    for message in (EVENT, "not even JSON") if reason else (EVENT,):
        found = parse_delivery(sns(message), settings)
        assert (found.refusal and found.refusal.reason) == reason
        assert found.envelope is not None
        assert found.envelope.topic_arn == TOPIC
    assert parse_delivery(raw(EVENT), settings).refusal is None  # Raw delivery names no topic.


INSIDE = {
    "text": ("6a", "invalid_json"),
    "nothing": ("", "empty_body"),
    "a duplicate key": ('{"a":1,"a":2}', "duplicate_key"),
    "NUL": ('["\\u0000"]', "nul_char"),
    "too deep": ("[" * 100, "too_deep"),
    "XML": ("<a/>", "invalid_json"),
    "SOAP": ('<a xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>', "unsupported_format"),
}


@pytest.mark.parametrize(("message", "reason"), INSIDE.values(), ids=INSIDE.keys())
def test_an_error_inside_the_message_says_so(message: str, reason: str) -> None:
    found = why(notification(message))
    assert found[0] == reason
    assert found[1].endswith("inside SNS Message")


def test_json_in_json_is_decoded_once_only() -> None:
    assert why(json.dumps(EVENT))[0] == "not_an_object"
    assert why(notification(json.dumps(json.dumps(EVENT))))[0] == "not_an_object"
    assert why(notification(json.dumps(notification(EVENT))))[0] == "unsupported_format"


def test_a_record_with_a_field_called_type_is_no_notification() -> None:
    assert why({"Type": "Customer"}) == ("unsupported_format", "unknown")


def test_its_repr_shows_no_payload() -> None:
    assert "Acme" not in repr(envelope(sns(relayed(change_event({"Name": "Acme"})), name="Acme")))
