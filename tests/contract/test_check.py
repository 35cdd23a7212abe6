"""What the checker says about the samples, about captured messages, and about bytes of any kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from passport_events.conf import EventType, Settings
from passport_events.contract import report
from passport_events.contract.sample_messages import INVALID, VALID
from tests.wire.deliveries import (
    ORGANIZATION,
    OTHER_ORGANIZATION,
    SAMPLES,
    TOPIC,
    change_event,
    contract,
    notification,
    sample,
)
from tests.wire.test_samples import EVENTS, PROJECT, REFUSALS

from .checking import checked, facts, only
from .messages import RECORD, opportunity

CAPTURED = "synthetic/S5_sqs_receive_raw_delivery_with_s3_pointer.json"
OPPORTUNITY = {
    "event_type": "opportunity",
    "change": "updated",
    "is_gap": False,
    "entity": "Opportunity",
    "record_id": RECORD,
    "organization": ORGANIZATION,
    "version": {"kind": "sequence", "value": "01778192987000.01778192987716501507.000001"},
    "identity": "cloudevents",
    "fields": ["stage_name"],
    "missing": [],
}


@pytest.mark.parametrize(("name", "expected"), EVENTS.items(), ids=EVENTS.keys())
def test_a_sample_would_become(name: str, expected: tuple[str, list[tuple[str, str, str, int]]]) -> None:
    one = facts((SAMPLES / name).read_bytes(), PROJECT, org_id=ORGANIZATION)

    assert (one["refusal"], one["problems"]) == (None, [])
    assert one["format"] == f"raw+{expected[0]}"
    assert expected[1] == [
        (event["identity"], event["entity"], event["change"] + " gap" * event["is_gap"], len(event["fields"]))
        for event in one["events"]
    ]


@pytest.mark.parametrize("name", REFUSALS.keys() - {CAPTURED})
def test_a_sample_is_refused(name: str) -> None:
    one = facts((SAMPLES / name).read_bytes(), PROJECT, org_id=ORGANIZATION)

    assert (one["format"].partition("+")[2], one["refusal"]["reason"]) == REFUSALS[name]
    assert one["events"] == []


def test_a_captured_message_is_what_it_holds() -> None:
    pointer = json.loads(sample(CAPTURED)["Body"])
    assert facts((SAMPLES / CAPTURED).read_bytes())["format"] == facts(pointer)["format"] == "raw+s3-pointer"


@pytest.mark.parametrize("kind", VALID.keys() - {"heartbeat"})
def test_a_published_sample_that_is_right_is_well(kind: str) -> None:
    one = facts(dict(VALID[kind]))
    assert (one["refusal"], one["problems"], len(one["events"])) == (None, [], 1)


def test_a_heartbeat_is_no_event_and_names_its_organization() -> None:
    one = only(dict(VALID["heartbeat"]))
    assert one.is_well
    assert list(report.format_lines(one)) == [
        f"line 1: raw+organization-heartbeat: the heartbeat of organization {ORGANIZATION}"
    ]
    assert (report.build_facts(one)["events"], report.build_facts(one)["heartbeat_of"]) == ([], ORGANIZATION)


@pytest.mark.parametrize("kind", INVALID)
def test_a_published_sample_that_is_wrong_says_why(kind: str) -> None:
    one = only(dict(INVALID[kind]))
    assert not one.is_well
    assert one.problems


def test_a_pointer_into_one_of_our_buckets_is_well_and_has_no_event_of_its_own() -> None:
    pointer = ["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": "events", "s3Key": "k"}]
    one = only(pointer, Settings(s3_payload_buckets=("events",)))
    assert one.is_well
    assert list(report.format_lines(one)) == ["line 1: raw+s3-pointer: no event of its own"]
    assert not only(pointer).is_well


def captured(body: object, **message: Any) -> dict[str, Any]:
    return {"MessageId": "1", "ReceiptHandle": "r", "Body": json.dumps(body), **message}


def test_what_the_command_line_of_aws_prints_is_as_many_messages_as_it_lists() -> None:
    attributes = {"org_id": {"DataType": "String", "StringValue": ORGANIZATION}}
    listed = {
        "Messages": [
            captured(opportunity()),
            captured(change_event(), MessageAttributes=attributes),
            captured(notification(change_event(), org_id=OTHER_ORGANIZATION)),
            captured([]),
        ]
    }

    found = [*map(report.build_facts, checked(json.dumps(listed, indent=2).encode()))]

    assert [(one["line"], one["message"], one["format"]) for one in found] == [
        (1, 1, "raw+cloudevents"),
        (1, 2, "raw+bare-cdc"),
        (1, 3, "sns+bare-cdc"),
        (1, 4, "raw+unknown"),
    ]
    assert [event["organization"] for one in found for event in one["events"]] == [
        ORGANIZATION,
        ORGANIZATION,
        OTHER_ORGANIZATION,
    ]


@pytest.mark.parametrize(
    "strange",
    [
        {"Attributes": 5},
        {"Attributes": {"SentTimestamp": 5}},
        {"MessageAttributes": []},
        {"MessageId": None},
    ],
)
def test_a_captured_message_with_strange_members_is_still_read(strange: dict[str, Any]) -> None:
    assert facts(captured(opportunity(), **strange))["events"] == [OPPORTUNITY]


def test_lines_are_checked_one_by_one() -> None:
    lines = [json.dumps(opportunity()), "", "nonsense", json.dumps(opportunity(sequence="5", id=""))]

    found = checked("\n".join(lines).encode())

    assert [(one.payload.line, one.is_well) for one in found] == [(1, True), (3, False), (4, False)]
    assert report.build_facts(found[0])["events"] == [OPPORTUNITY]
    assert list(report.iterate_violations(found[2])) == [
        "schema: sequence must be 14, 20 and 6 digits with dots between them",
        "id must not be empty",
        "sequence must be 14, 20 and 6 digits with dots between them",
    ]


def test_what_the_reader_takes_and_the_contract_does_not_is_in_trouble() -> None:
    one = only(contract({"Name": "Acme"}))
    assert (len(one.events), one.refusal, one.is_well) == (1, None, False)
    assert [str(problem) for problem in one.problems] == ["data.record_id is required"]


def test_the_flags_stand_for_an_envelope_that_is_not_there() -> None:
    of_topic = Settings(topic_organizations={TOPIC: ORGANIZATION})

    assert facts(change_event())["refusal"]["reason"] == "no_organization"
    assert facts(change_event(), org_id=ORGANIZATION)["events"][0]["organization"] == ORGANIZATION
    assert facts(change_event(), of_topic, topic_arn=TOPIC)["format"] == "sns+bare-cdc"
    assert facts(change_event(), of_topic, topic_arn=TOPIC)["events"][0]["organization"] == ORGANIZATION
    both = {"topic_arn": TOPIC, "org_id": OTHER_ORGANIZATION}
    assert facts(change_event(), of_topic, **both)["refusal"]["reason"] == "organization_mismatch"
    elsewhere = Settings(allowed_topics=("arn:aws:sns:us-east-1:123456789012:other",))
    assert facts(opportunity(), elsewhere, topic_arn=TOPIC)["refusal"]["reason"] == "unexpected_topic"


def test_a_notification_keeps_its_own_envelope() -> None:
    wrapped = notification(change_event(), org_id=ORGANIZATION)
    one = facts(wrapped, org_id=OTHER_ORGANIZATION, topic_arn="arn:aws:sns:us-east-1:123456789012:other")
    assert (one["format"], one["events"][0]["organization"]) == ("sns+bare-cdc", ORGANIZATION)


def test_what_comes_from_the_future_is_refused_as_it_will_be() -> None:
    tomorrow = opportunity(sequence="01878192987000.00000000000000000000.000001")
    assert facts(tomorrow)["refusal"]["reason"] == "from_the_future"


def test_a_project_may_have_types_of_its_own() -> None:
    settings = Settings(event_types={"course": EventType("course", ("Course__c",), "courses")})
    course = opportunity(type="edu.course.created.v1")
    assert facts(course, settings)["events"][0]["entity"] == "Course__c"
    assert facts(course)["refusal"] == {"reason": "unknown_event_type", "detail": "course"}


@pytest.mark.parametrize("entities", [("Application__c",), ("Opportunity", "Application__c")])
def test_a_type_that_a_project_made_its_own_does_not_follow_our_rules_for_it(
    entities: tuple[str, ...],
) -> None:
    settings = Settings(event_types={"opportunity": EventType("opportunity", entities, "queue")})
    application = opportunity({"amount": "none"}, entity="Application__c")
    assert only(application, settings).is_well
    assert [problem.path for problem in only(application).problems] == ["data.amount", "entity"]


def test_a_type_of_a_project_may_have_the_name_of_a_kind() -> None:
    settings = Settings(event_types={"heartbeat": EventType("heartbeat", ("Pulse__c",), "queue")})
    assert only(opportunity(type="x.heartbeat.created.v1"), settings).is_well


HOSTILE = {
    "nothing but zeros": b"\x00" * 100,
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "no text": bytes(range(128, 256)),
    "a page": b"<html>",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "wide": b'{"a": [' + b"0," * 200_000 + b"0]}",
    "a long number": b'{"specversion": ' + b"9" * 100_000 + b"}",
    "a long line": b'{"specversion": "' + b"x" * 2_000_000 + b'"}',
    "a name twice": b'{"specversion": "1.0", "specversion": "1.0"}',
    "half a surrogate": b'{"specversion": "\\ud800"}',
    "endless": b'{"specversion": NaN}',
    "a string": b'"specversion"',
    "nothing": b"null",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("topic", ["", TOPIC])
def test_hostile_bytes_are_refused_with_a_reason(data: bytes, topic: str) -> None:
    one = only(data, topic_arn=topic)
    assert one.refusal is not None
    assert not one.is_well
