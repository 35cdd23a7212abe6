"""Which lines can be sent, and what is said about the others."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from passport_events.conf import Settings
from passport_events.contract.report import iterate_violations
from passport_events.contract.simulated_delivery import SimulatedRoute
from passport_events.publishing.messages import MAX_REQUEST_BYTES, PreparedMessages, prepare_messages
from tests.contract.checking import AT
from tests.contract.messages import opportunity
from tests.wire.deliveries import (
    ORGANIZATION,
    OTHER_ORGANIZATION,
    TOPIC,
    change_event,
    contract,
    notification,
    relayed,
)

JOURNEY = SimulatedRoute(at=AT, topic_arn=TOPIC)


def prepared(
    *lines: object, settings: Settings | None = None, journey: SimulatedRoute = JOURNEY
) -> PreparedMessages:
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return prepare_messages(data.encode(), settings or Settings(), journey)


def told(found: PreparedMessages) -> dict[int, list[str]]:
    """What is wrong, by line."""
    return {checked.payload.line: list(iterate_violations(checked)) for checked in found.invalid}


def test_right_lines_are_ready_as_they_are() -> None:
    lines = [
        json.dumps(opportunity(), indent=None, separators=(" , ", " : ")),
        json.dumps(relayed(change_event())),
    ]
    found = prepared(lines[0], "", lines[1])
    assert [(message.line, message.body) for message in found.ready] == [(1, lines[0]), (3, lines[1])]
    assert found.ready[0].attributes["org_id"] == ORGANIZATION
    assert found.invalid == ()


def test_wrong_lines_are_told_with_everything_that_is_wrong() -> None:
    found = prepared(opportunity(), "nonsense", contract({"Name": "Acme"}), opportunity(sequence="5", id=""))
    assert [message.line for message in found.ready] == [1]
    assert told(found) == {
        2: ["invalid_json: Expecting value at character 0 inside SNS Message"],
        3: ["data.record_id is required"],
        4: [
            "schema: sequence must be 14, 20 and 6 digits with dots between them",
            "id must not be empty",
            "sequence must be 14, 20 and 6 digits with dots between them",
        ],
    }


def test_a_document_over_several_lines_is_one_message() -> None:
    found = prepared(json.dumps(opportunity(), indent=2))
    assert json.loads(found.ready[0].body) == opportunity()


@pytest.mark.parametrize(
    "captured", [notification(opportunity()), {"MessageId": "1", "Body": json.dumps(opportunity())}]
)
def test_what_was_captured_with_its_envelope_is_not_wrapped_twice(captured: dict[str, Any]) -> None:
    found = prepared(captured)
    assert (found.ready, told(found)) == ((), {1: ["unsupported_format: unknown"]})


def test_the_organization_may_come_from_the_flag_or_from_the_topic() -> None:
    named = dataclasses.replace(JOURNEY, org_id=ORGANIZATION)
    of_topic = Settings(topic_organizations={TOPIC: ORGANIZATION})
    assert told(prepared(change_event()))[1][0].startswith("no_organization")
    assert prepared(change_event(), journey=named).ready[0].attributes["org_id"] == ORGANIZATION
    assert prepared(change_event(), settings=of_topic).ready[0].attributes["org_id"] == ORGANIZATION
    foreign = dataclasses.replace(JOURNEY, org_id=OTHER_ORGANIZATION)
    assert told(prepared(opportunity(), journey=foreign))[1][0].startswith("organization_mismatch")


def test_a_topic_that_would_be_refused_on_the_other_side_is_refused_here() -> None:
    elsewhere = Settings(allowed_topics=("arn:aws:sns:us-east-1:123456789012:other",))
    assert told(prepared(opportunity(), settings=elsewhere))[1][0].startswith("unexpected_topic")


def test_a_pointer_goes_out_with_the_organization_that_is_named() -> None:
    settings = Settings(s3_payload_buckets=("events",))
    pointer = ["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": "events", "s3Key": "k"}]
    named = dataclasses.replace(JOURNEY, org_id=ORGANIZATION)
    assert told(prepared(pointer))[1][0].startswith("bucket_not_allowed")
    assert prepared(pointer, settings=settings).ready[0].attributes == {}
    assert prepared(pointer, settings=settings, journey=named).ready[0].attributes == {"org_id": ORGANIZATION}


def of_size(size: int) -> dict[str, Any]:
    """A message that has so many bytes with its attributes."""
    smallest = prepared(opportunity({"name": ""})).ready[0].size
    return opportunity({"name": "x" * (size - smallest)})


def test_what_is_too_large_for_sns_is_told_before_anything_is_sent() -> None:
    found = prepared(of_size(MAX_REQUEST_BYTES), of_size(MAX_REQUEST_BYTES + 1))
    assert [message.size for message in found.ready] == [MAX_REQUEST_BYTES]
    assert told(found) == {
        2: [f"too_large: {MAX_REQUEST_BYTES + 1} bytes with its attributes, SNS takes {MAX_REQUEST_BYTES}"]
    }


def test_bytes_that_are_no_text_are_told() -> None:
    found = prepare_messages(b"\xff" + json.dumps(opportunity()).encode(), Settings(), JOURNEY)
    assert told(found)[1][0].startswith("bad_encoding")


def test_a_blank_file_has_nothing() -> None:
    assert prepare_messages(b" \n", Settings(), JOURNEY) == PreparedMessages((), ())
