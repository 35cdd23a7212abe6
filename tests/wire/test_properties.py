"""What must hold for any input at all."""

import copy
import dataclasses
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passport_events import exact_json
from passport_events.conf import PlatformEvent
from passport_events.wire import s3_pointer
from passport_events.wire.parser import ParsedDelivery, parse_delivery
from passport_events.wire.raw_delivery import RawDelivery
from passport_events.wire.strict_json import check_text
from tests.harness.strategies import recursive
from tests.wire.counting import cases
from tests.wire.deliveries import (
    RECORD,
    SAMPLES,
    SETTINGS,
    change_event,
    contract,
    notification,
    raw,
    read,
    relayed,
    sample,
    sns,
    update,
)

pytestmark = pytest.mark.any_database

SAMPLE_BYTES = [path.read_bytes() for path in sorted(SAMPLES.rglob("*")) if path.suffix in {".json", ".xml"}]
DESCRIBED = dataclasses.replace(
    SETTINGS,
    s3_payload_buckets=("bucket",),
    platform_events={
        "Flat__e": PlatformEvent(event_type="opportunity", record_id="Record_Id__c", sequence="CreatedDate"),
        "Nested__e": PlatformEvent(
            event_type="item",
            record_id="Record_Id__c",
            sequence="CreatedDate",
            change="Change__c",
            fields="Payload__c",
        ),
    },
)
PLATFORM = {"Record_Id__c": RECORD, "CreatedDate": "2026-05-07T22:29:47.000Z", "Change__c": "updated"}
BODIES: list[dict[str, Any]] = [
    relayed(change_event({"Name": "Acme", "BillingAddress": {"City": "Rome"}})),
    relayed(update({"Name": "Acme", "BillingAddress": {"City": None}}, ["Name", "BillingAddress"])),
    relayed(sample("01_cdc_opportunity_create.json")),
    contract({"Name": "Acme", "Address": {"City": "Rome"}}, orgid="00D5f000005KcCn", entity="Opportunity"),
    notification(relayed(change_event()), org_id="00D5f000005KcCnEAK"),
    notification(contract()),
    change_event({"Name": "Acme", "BillingAddress": {"City": "Rome"}}),
    {"schema": "x", "payload": update({"Name": None}, ["Name"]), "event": {"replayId": 1}},
    {"channel": "/data/ChangeEvents", "data": {"payload": change_event()}},
    relayed(None, source="aws.partner/appflow/salesforce.com/1/flow", detail=change_event()),
    relayed({**PLATFORM, "Stage__c": "Sent", "A__c": None}, **{"detail-type": "Flat__e"}),
    relayed({**PLATFORM, "Payload__c": '{"A": {"B": null}}'}, **{"detail-type": "Nested__e"}),
    relayed({"CreatedDate": "2026-05-07T22:29:47.000Z"}, **{"detail-type": "Passport_Heartbeat__e"}),
    contract(type="edu.example.heartbeat.v1", time="2026-05-07T22:29:47Z"),
]
ATTRIBUTES = st.sampled_from([{}, {"org_id": "00D5f000005KcCnEAK"}])
VERSION = re.compile(r"[0-9]{14}\.[0-9]{20}\.(?:[0-9]{6}|[0-9]{10})")
VALUES = recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "0x01", "006*", "000000000000000AAA", "GAP_OVERFLOW", "UPDATE", "Notification", "2.0"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def check(reading: ParsedDelivery) -> None:
    """A reading is events, a pointer, a heartbeat or a refusal, and each of them can be stored."""
    next(cases)
    others = (reading.pointer, reading.heartbeat, reading.refusal)
    assert [bool(reading.events), *(other is not None for other in others)].count(True) == 1
    assert len(reading.wire_format) <= 64
    assert re.fullmatch(r"[0-9a-f]{64}", reading.fallback_identity.key)
    if reading.refusal is not None:
        assert re.fullmatch(r"[a-z_]{1,40}", reading.refusal.reason)
        assert len(reading.refusal.detail) <= 200
        check_text(reading.refusal.detail)
    if reading.envelope is not None:
        check_text(json.dumps([dict(reading.envelope.attributes), dict(reading.envelope.trace_context)]))
    if reading.pointer is not None:
        assert reading.pointer.bucket in DESCRIBED.s3_payload_buckets
        assert 1 <= len(reading.pointer.key.encode()) <= 1_024
        check_text(reading.pointer.key)
    if reading.heartbeat is not None:
        assert len(reading.heartbeat.organization) == 18
        assert reading.heartbeat.sent_at.utcoffset() == timedelta(0)
    for event in reading.events:
        assert len(event.record_id) == len(event.organization) == 18
        assert VERSION.fullmatch(event.version.value)
        assert event.occurred_at is not None
        assert len(event.content_hash()) == 64
        text = exact_json.dumps(event.content(), allow_nan=False, ensure_ascii=False)
        assert "\\u0000" not in text
        text.encode()
    assert len({event.identity.key for event in reading.events}) == len(reading.events)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_reading(body: bytes) -> None:
    check(read(raw(body)))


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_message_of_sns_gives_a_reading(text: str) -> None:
    check(read(raw(notification(text))))


@settings(deadline=None)
@given(VALUES)
def test_any_json_gives_a_reading(value: object) -> None:
    check(read(raw(value)))


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(st.sampled_from(SAMPLE_BYTES), st.integers(0), st.integers(0, 5), st.binary(max_size=5))
def test_a_damaged_sample_gives_a_reading(body: bytes, place: int, cut: int, put: bytes) -> None:
    place %= len(body)
    check(read(raw(body[:place] + put + body[place + cut :])))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    if isinstance(value, dict):
        inner = [places(item, (*path, name)) for name, item in value.items()]
    elif isinstance(value, list):
        inner = [places(item, (*path, number)) for number, item in enumerate(value)]
    else:
        inner = []
    return [path, *(one for some in inner for one in some)]


@settings(deadline=None, max_examples=5 * settings().max_examples)
@given(st.data(), st.sampled_from(BODIES), st.sampled_from([raw, sns]), ATTRIBUTES)
def test_a_message_with_any_member_changed_gives_a_reading(
    data: st.DataObject,
    body: dict[str, Any],
    deliver: Callable[..., RawDelivery],
    attributes: dict[str, str],
) -> None:
    changed = copy.deepcopy(body)
    *path, last = data.draw(st.sampled_from([place for place in places(changed) if place]))
    holder = changed
    for step in path:
        holder = holder[step]
    if data.draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = data.draw(VALUES)
    check(parse_delivery(deliver(changed, **attributes), DESCRIBED))


@pytest.mark.parametrize("body", BODIES)
def test_each_of_these_bodies_is_good_while_nothing_is_changed(body: dict[str, Any]) -> None:
    assert parse_delivery(raw(body, org_id="00D5f000005KcCnEAK"), DESCRIBED).refusal is None


@settings(deadline=None)
@given(
    st.sampled_from(s3_pointer.CLASSES),
    st.dictionaries(st.sampled_from(s3_pointer.MEMBERS), VALUES | st.text(max_size=1_100), max_size=2)
    | VALUES,
    st.booleans(),
)
def test_any_pointer_gives_a_reading(name: str, held: Any, in_the_bucket: bool) -> None:  # noqa: FBT001
    if in_the_bucket and isinstance(held, dict):
        held["s3BucketName"] = "bucket"
    for deliver in (raw, sns):
        check(parse_delivery(deliver([name, held]), DESCRIBED))


@settings(deadline=None)
@given(st.sampled_from(SAMPLE_BYTES) | st.binary(max_size=300), st.sampled_from([raw, sns]), ATTRIBUTES)
def test_any_payload_of_a_pointer_gives_a_reading(
    body: bytes, deliver: Callable[..., RawDelivery], attributes: dict[str, str]
) -> None:
    pointer = [s3_pointer.CLASSES[0], {"s3BucketName": "bucket", "s3Key": "key"}]
    outer = parse_delivery(deliver(pointer, **attributes), DESCRIBED)
    reading = parse_delivery(raw(body), DESCRIBED, outer.envelope)
    check(reading)
    assert reading.pointer is None


@settings(deadline=None)
@given(st.text(max_size=50) | VALUES.map(json.dumps))
def test_any_text_in_a_field_of_json_gives_a_reading(text: str) -> None:
    body = relayed({**PLATFORM, "Payload__c": text}, **{"detail-type": "Nested__e"})
    check(parse_delivery(raw(body), DESCRIBED))


@settings(deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[A-Za-z_]{1,8}", fullmatch=True), VALUES, max_size=5),
    st.integers(0, 2**63 - 1),
)
def test_neither_envelope_nor_rounding_changes_what_an_event_is(fields: dict[str, Any], number: int) -> None:
    exact = relayed(update(fields, list(fields), commitNumber=number))
    rounded = relayed(update(fields, list(fields), commitNumber=number // 1_000 * 1_000))
    readings = [
        read(raw(exact)),
        read(sns(exact)),
        read(raw(rounded)),
        read(sns(rounded, org_id="00D5f000005KcCn")),
    ]
    if readings[0].refusal is not None:
        assert {reading.refusal.reason for reading in readings if reading.refusal} == {
            readings[0].refusal.reason
        }
        return
    assert len({reading.events[0].identity for reading in readings}) == 1
    assert len({reading.events[0].content_hash() for reading in readings}) == 1
