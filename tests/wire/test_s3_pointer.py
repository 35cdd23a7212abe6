"""Messages that say where in S3 their events are, and what they lead to."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from passport_events.event import Identity
from passport_events.wire.parser import ParsedDelivery, parse_delivery
from passport_events.wire.raw_delivery import RawDelivery
from passport_events.wire.s3_pointer import Pointer
from tests.wire.deliveries import (
    ORGANIZATION,
    OTHER_ORGANIZATION,
    SETTINGS,
    TOPIC,
    change_event,
    notification,
    raw,
    relayed,
    sample,
    sns,
)

BUCKET = "large-messages"
KEY = "10999f58-c5ae-4d68-9208-f70475e0113d"
NEW = "software.amazon.payloadoffloading.PayloadS3Pointer"
OLD = "com.amazon.sqs.javamessaging.MessageS3Pointer"
ALLOWED = dataclasses.replace(SETTINGS, s3_payload_buckets=("another", BUCKET))


def pointer(bucket: Any = BUCKET, key: Any = KEY, name: str = NEW) -> list[Any]:
    """A pointer as the extended clients write it."""
    return [name, {"s3BucketName": bucket, "s3Key": key}]


def outcome(body: object, deliver: Callable[..., RawDelivery] = raw) -> tuple[str, str]:
    """Reason and detail of a refusal."""
    reading = parse_delivery(deliver(body), ALLOWED)
    assert reading.refusal is not None
    assert (reading.events, reading.pointer) == ((), None)
    return reading.refusal.reason, reading.refusal.detail


@pytest.mark.parametrize("name", [NEW, OLD])
@pytest.mark.parametrize("deliver", [raw, sns])
def test_it_is_known_by_its_class_however_it_came(name: str, deliver: Callable[..., RawDelivery]) -> None:
    reading = parse_delivery(deliver(pointer(name=name), org_id=ORGANIZATION), ALLOWED)

    assert (reading.pointer, reading.events, reading.refusal) == (Pointer(BUCKET, KEY), (), None)
    assert reading.wire_format == f"{deliver.__name__}+s3-pointer"
    assert reading.envelope is not None
    assert reading.envelope.attributes == {"org_id": ORGANIZATION}


def test_the_sample_as_boto3_returned_it_is_one() -> None:
    found = sample("synthetic/S5_sqs_receive_raw_delivery_with_s3_pointer.json")
    settings = dataclasses.replace(SETTINGS, s3_payload_buckets=("extended-client-bucket-store",))
    received = RawDelivery(
        message_id=found["MessageId"],
        receipt_handle=found["ReceiptHandle"],
        body=found["Body"].encode(),
        attributes=found["Attributes"],
        message_attributes=found["MessageAttributes"],
    )

    reading = parse_delivery(received, settings)

    assert reading.pointer == Pointer("extended-client-bucket-store", KEY)
    assert reading.fallback_identity == Identity.of("sqs", found["MessageId"])


@pytest.mark.parametrize(("allowed", "is_read"), [((), False), (("large",), False), ((BUCKET,), True)])
def test_only_buckets_of_the_settings_are_allowed(allowed: tuple[str, ...], *, is_read: bool) -> None:
    reading = parse_delivery(raw(pointer()), dataclasses.replace(SETTINGS, s3_payload_buckets=allowed))

    assert (reading.pointer is not None) == is_read
    assert (reading.refusal and reading.refusal.reason) == (None if is_read else "bucket_not_allowed")


def test_one_from_a_topic_that_is_not_allowed_is_refused() -> None:
    reading = parse_delivery(sns(pointer()), dataclasses.replace(ALLOWED, allowed_topics=("arn:a",)))
    assert reading.refusal is not None
    assert reading.refusal.reason == "unexpected_topic"


HOSTILE: dict[str, tuple[object, str, str]] = {
    "no object": ([NEW], "schema", "a pointer must be a class name and an object"),
    "two objects": ([*pointer(), {}], "schema", "a pointer must be a class name and an object"),
    "a list in its place": ([NEW, [BUCKET, KEY]], "schema", "a pointer must be a class name and an object"),
    "no bucket": ([NEW, {"s3Key": KEY}], "schema", "s3BucketName must be a string that is not empty"),
    "a number for a key": (pointer(key=7), "schema", "s3Key must be a string that is not empty"),
    "an empty key": (pointer(key=""), "schema", "s3Key must be a string that is not empty"),
    "a short bucket": (pointer("ab"), "schema", "s3BucketName must be the name of a bucket"),
    "a long bucket": (pointer("a" * 64), "schema", "s3BucketName must be the name of a bucket"),
    "an ARN": (pointer("arn:aws:s3:::b"), "schema", "s3BucketName must be the name of a bucket"),
    "a URL": (pointer("http://169.254.169.254"), "schema", "s3BucketName must be the name of a bucket"),
    "a path": (pointer(f"{BUCKET}/x"), "schema", "s3BucketName must be the name of a bucket"),
    "a line end": (pointer(f"{BUCKET}\n"), "schema", "s3BucketName must be the name of a bucket"),
    "a long key": (pointer(key="é" * 513), "schema", "s3Key must be at most 1024 bytes without NUL"),
    "NUL": (pointer(key="a\0b"), "nul_char", ""),
    "half a character": (pointer(key="\ud800"), "bad_unicode", "a lone surrogate"),
    "a way out of the bucket": (
        pointer(key="../another/k"),
        "schema",
        "s3Key must have neither . nor .. between slashes",
    ),
    "another class": (["java.lang.Runtime", {"s3BucketName": BUCKET, "s3Key": KEY}], "not_an_object", ""),
    "a list for a class": ([[NEW], {"s3BucketName": BUCKET, "s3Key": KEY}], "not_an_object", ""),
    "nothing": ([], "not_an_object", ""),
    "bare": (pointer()[1], "unsupported_format", "s3-pointer without its class name"),
}


@pytest.mark.parametrize("deliver", [raw, sns])
@pytest.mark.parametrize(("body", "reason", "detail"), HOSTILE.values(), ids=HOSTILE.keys())
def test_another_shape_is_refused(
    body: object, reason: str, detail: str, deliver: Callable[..., RawDelivery]
) -> None:
    inside = " inside SNS Message" if reason in ("nul_char", "bad_unicode") and deliver is sns else ""
    assert outcome(body, deliver) == (reason, f"{detail}{inside}".strip())


@pytest.mark.parametrize("key", ["k", "é" * 512, "a/b/c.json", "..a/.b", "a b?c#d%2e%2e/&=+"])
def test_any_key_that_s3_takes_is_kept_as_it_is(key: str) -> None:
    assert parse_delivery(raw(pointer(key=key)), ALLOWED).pointer == Pointer(BUCKET, key)


def test_its_content_hash_tells_bucket_and_key_apart() -> None:
    pairs = [("bucket", "key"), ("bucke", "tkey"), ("key", "bucket"), ("bucket", "key2")]
    assert len({Pointer(*pair).content_hash() for pair in pairs}) == 4
    assert len(Pointer(BUCKET, KEY).content_hash()) == 64


def test_its_repr_shows_no_key() -> None:
    assert KEY not in repr(parse_delivery(raw(pointer()), ALLOWED))


def payload(body: object, outer: RawDelivery, settings: Any = ALLOWED) -> ParsedDelivery:
    """What a pointer led to, read with the pointer's own envelope."""
    return parse_delivery(raw(body), settings, parse_delivery(outer, settings).envelope)


NAMELESS = change_event({"Name": "Acme"})


@pytest.mark.parametrize(
    "body", [NAMELESS, notification(NAMELESS), notification(NAMELESS, org_id=ORGANIZATION)]
)
@pytest.mark.parametrize("deliver", [raw, sns])
def test_a_payload_belongs_to_the_organization_that_its_pointer_names(
    body: dict[str, Any], deliver: Callable[..., RawDelivery]
) -> None:
    reading = payload(body, deliver(pointer(), org_id=ORGANIZATION))

    assert [event.organization for event in reading.events] == [ORGANIZATION]
    assert reading.refusal is None


@pytest.mark.parametrize("body", [NAMELESS, notification(NAMELESS, org_id=ORGANIZATION)])
def test_a_payload_belongs_to_the_organization_of_its_pointers_topic(body: dict[str, Any]) -> None:
    of_topic = dataclasses.replace(ALLOWED, topic_organizations={TOPIC: ORGANIZATION})
    assert [e.organization for e in payload(body, sns(pointer()), of_topic).events] == [ORGANIZATION]


@pytest.mark.parametrize(
    "body", [relayed(NAMELESS), notification(NAMELESS, org_id=ORGANIZATION), notification(relayed(NAMELESS))]
)
def test_a_payload_of_another_organization_than_its_pointer_is_a_mismatch(body: dict[str, Any]) -> None:
    elsewhere = {TOPIC: OTHER_ORGANIZATION}
    for outer, settings in (
        (raw(pointer(), org_id=OTHER_ORGANIZATION), ALLOWED),
        (sns(pointer()), dataclasses.replace(ALLOWED, topic_organizations=elsewhere)),
    ):
        reading = payload(body, outer, settings)
        assert reading.refusal is not None
        assert reading.refusal.reason == "organization_mismatch"
        assert reading.events == ()


@pytest.mark.parametrize("body", [pointer(), notification(pointer()), pointer(name=OLD)])
def test_a_pointer_to_a_pointer_is_refused(body: object) -> None:
    reading = payload(body, sns(pointer()))
    assert reading.refusal is not None
    assert (reading.refusal.reason, reading.pointer) == ("pointer_to_pointer", None)


def test_the_identity_of_an_unreadable_payload_is_its_pointers() -> None:
    inside = notification("no event") | {"MessageId": "sns-2"}
    assert payload(inside, sns(pointer())).fallback_identity == Identity.of("sns", "sns-1")


def test_the_trace_of_the_pointer_goes_on_in_the_payload() -> None:
    outer = json.dumps({"x-datadog-trace-id": "1"})
    inner = json.dumps({"x-datadog-trace-id": "2"})
    traced = sns(pointer(), _datadog=outer)
    for body in (NAMELESS, notification(NAMELESS, _datadog=inner)):
        for received, expected in ((traced, "1"), (sns(pointer()), "2" if "Type" in body else None)):
            envelope = payload(body, received).envelope
            assert envelope is not None
            assert envelope.trace_context.get("x-datadog-trace-id") == expected


def test_traces_of_two_tracers_are_not_mixed() -> None:
    outer = sns(pointer(), _datadog=json.dumps({"x-datadog-trace-id": "1"}))
    inner = notification(NAMELESS, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    envelope = payload(inner, outer).envelope
    assert envelope is not None
    assert envelope.trace_context == {"x-datadog-trace-id": "1"}
