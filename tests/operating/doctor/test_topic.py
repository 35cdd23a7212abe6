"""What the doctor says of the subscription: decided from its attributes, and asked of a real one."""

from __future__ import annotations

import dataclasses
import json

import pytest

from passport_events import conf
from passport_events.conf import Settings
from passport_events.operating.doctor import topic
from passport_events.operating.doctor.finding import DoctorFinding, Severity
from passport_events.operating.doctor.topic import Subscription
from tests.harness.aws import Sqs
from tests.operating.inbox import organization, store

ARN = "arn:aws:sns:eu-west-1:123456789012:events"
SETTINGS = Settings(queue_url="https://sqs.eu-west-1.amazonaws.com/123456789012/q")
GOOD = {"RawMessageDelivery": "false", "RedrivePolicy": "{}"}
RAW = GOOD | {"RawMessageDelivery": "true"}
FILTER = GOOD | {"FilterPolicy": json.dumps({"event_type": ["opportunity"]})}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Subscription(ARN, GOOD), "T0"),
        (Subscription(ARN, GOOD, most_attributes=10), "T0"),
        (Subscription(ARN, RAW, most_attributes=9), "T0"),
        (Subscription(ARN, FILTER | {"FilterPolicyScope": "MessageBody"}), "T0"),
        (Subscription(ARN, None), "T2"),
        (Subscription(ARN, FILTER), "T3"),
        (Subscription(ARN, FILTER | {"FilterPolicyScope": "MessageAttributes"}), "T3"),
        (Subscription(ARN, RAW, most_attributes=10), "T4"),
        (Subscription(ARN, {"RawMessageDelivery": "false"}), "T6"),
    ],
)
def test_each_state_of_a_subscription_has_its_finding(found: Subscription, expected: str) -> None:
    assert [finding.id for finding in topic.judge(found, SETTINGS)] == [expected]


@pytest.mark.parametrize("setting", ["allowed_topics", "topic_organizations"])
def test_raw_delivery_names_no_topic_so_settings_by_topic_do_nothing(setting: str) -> None:
    value = (ARN,) if setting == "allowed_topics" else {ARN: "00D5f000005KcCnEAK"}
    settings = dataclasses.replace(SETTINGS, **{setting: value})  # type: ignore[arg-type]
    assert [finding.id for finding in topic.judge(Subscription(ARN, RAW), settings)] == ["T5"]


@pytest.mark.django_db
def test_topics_are_those_named_else_of_the_settings_else_of_recent_deliveries() -> None:
    organization()
    assert topic.find_topics(SETTINGS, []) == []
    store({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:seen", "Message": "hello"})
    assert topic.find_topics(SETTINGS, []) == ["arn:seen"]
    of_settings = dataclasses.replace(SETTINGS, allowed_topics=("arn:allowed",))
    assert topic.find_topics(of_settings, []) == ["arn:allowed"]
    assert topic.find_topics(of_settings, ["arn:named", "arn:named"]) == ["arn:named"]


@pytest.mark.django_db
def test_a_real_subscription_is_asked(sqs: Sqs) -> None:
    sqs.subscription.set_attributes(AttributeName="RawMessageDelivery", AttributeValue="true")
    queue_arn = sqs.queue.attributes["QueueArn"]

    found = topic.read_facts(sqs.topic.arn, queue_arn, conf.get_settings())

    assert isinstance(found, Subscription)
    assert found.is_raw
    assert topic.read_facts(sqs.topic.arn, queue_arn + "-other", conf.get_settings()) == Subscription(
        sqs.topic.arn, None
    )


@pytest.mark.django_db
def test_a_topic_that_does_not_exist_is_an_error(sqs: Sqs) -> None:
    found = topic.read_facts(sqs.topic.arn + "-gone", sqs.queue.attributes["QueueArn"], conf.get_settings())

    assert isinstance(found, DoctorFinding)
    assert (found.id, found.severity) == ("T1", Severity.ERROR)
