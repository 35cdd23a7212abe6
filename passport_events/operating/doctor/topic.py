"""The subscription that brings SNS's messages to the queue.

Attribute names: GetSubscriptionAttributes in the Amazon SNS API Reference.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from passport_events.aws_clients.clients import AWS_ERRORS, READ_MARGIN_SECONDS, create_client
from passport_events.conf import Settings
from passport_events.models import Delivery
from passport_events.operating.doctor.finding import (
    DoctorFinding,
    report_denied,
    report_error,
    report_not_tried,
    report_ok,
    report_warning,
)
from passport_events.operating.doctor.queue import report_refusal

RECENT_DELIVERIES = 500
MAX_ATTRIBUTES = 10
"""With raw delivery SNS throws a message with more of them away, as a client's error."""


@dataclasses.dataclass(frozen=True, slots=True)
class Subscription:
    """How one topic is subscribed by our queue."""

    topic: str
    attributes: Mapping[str, str] | None
    """None where the queue does not subscribe to the topic."""
    most_attributes: int = 0
    """The most message attributes that a recent delivery brought."""

    @property
    def is_raw(self) -> bool:
        """Whether SNS hands on the message without its envelope."""
        return bool(self.attributes and self.attributes.get("RawMessageDelivery") == "true")

    @property
    def filter_policy(self) -> Any:
        """What messages must look like; empty where all come."""
        try:
            return json.loads((self.attributes or {}).get("FilterPolicy") or "{}")
        except ValueError:
            return {}


def find_topics(settings: Settings, named: Sequence[str]) -> list[str]:
    """The topics to look at: those named, else those in the settings, else those of recent deliveries."""
    known = list(named) or [*settings.allowed_topics, *settings.topic_organizations]
    if not known:
        recent = Delivery.objects.order_by("-pk").values_list("topic_arn", flat=True)[:RECENT_DELIVERIES]
        known = [topic for topic in recent if topic]
    return list(dict.fromkeys(known))


def read_facts(topic: str, queue_arn: str, settings: Settings) -> Subscription | DoctorFinding:
    """Ask SNS; a finding where it does not answer."""
    sns = create_client(set_region(topic, settings), "sns", 2 * READ_MARGIN_SECONDS)
    try:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        found = [each for page in pages for each in page["Subscriptions"] if each["Endpoint"] == queue_arn]
    except AWS_ERRORS as refusal:
        return report_refusal(
            "T1", f"SNS says nothing about {topic}", refusal, "sns:ListSubscriptionsByTopic", "the topic"
        )
    if not found:
        return Subscription(topic, None)
    try:
        arn = found[0]["SubscriptionArn"]
        attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    except AWS_ERRORS as refusal:
        text = f"SNS says nothing about the subscription to {topic}"
        return report_refusal("T1", text, refusal, "sns:GetSubscriptionAttributes", "the topic")
    return Subscription(topic, attributes, _count_most_attributes(topic))


def set_region(topic: str, settings: Settings) -> Settings:
    """Settings with the region that a topic's ARN names; as they are where it is none."""
    region = topic.split(":")[3] if topic.count(":") >= 5 else settings.region
    return dataclasses.replace(settings, region=region)


def _count_most_attributes(topic: str) -> int:
    recent = Delivery.objects.order_by("-pk").values_list("topic_arn", "attributes")[:RECENT_DELIVERIES]
    return max((len(attributes) for arn, attributes in recent if arn in (topic, "")), default=0)


def judge(found: Subscription, settings: Settings) -> Iterator[DoctorFinding]:
    """Everything that is wrong with a subscription, or that nothing is."""
    wrong = list(_find_faults(found, settings))
    yield from wrong
    if not wrong:
        yield report_ok("T0", f"The queue's subscription to {found.topic} has the right attributes.")


def _find_faults(found: Subscription, settings: Settings) -> Iterator[DoctorFinding]:
    if found.attributes is None:
        yield report_error(
            "T2",
            f"The queue does not subscribe to {found.topic}, or a subscription of another account does.",
            "Subscribe the queue's ARN with the protocol sqs.",
        )
        return
    if found.filter_policy and found.attributes.get("FilterPolicyScope") != "MessageBody":
        yield report_error(
            "T3",
            f"The subscription to {found.topic} filters by message attributes. EventBridge sets none, so "
            "every event of the Event Relay is dropped.",
            "Remove the FilterPolicy, or set FilterPolicyScope to MessageBody.",
        )
    if found.is_raw and found.most_attributes >= MAX_ATTRIBUTES:
        yield report_error(
            "T4",
            f"Deliveries bring {found.most_attributes} message attributes, and delivery is raw: with one "
            "more SNS throws them away.",
            "Set RawMessageDelivery to false, or let the publisher send fewer attributes.",
        )
    if found.is_raw and (settings.allowed_topics or settings.topic_organizations):
        yield report_warning(
            "T5",
            "Delivery is raw, which names no topic: ALLOWED_TOPICS and TOPIC_ORGANIZATIONS do nothing.",
            "Set RawMessageDelivery to false.",
        )
    if not found.attributes.get("RedrivePolicy"):
        yield report_warning(
            "T6",
            f"The subscription to {found.topic} has no dead letter queue: what SNS may not deliver is gone.",
            "Give the subscription a RedrivePolicy with a queue of its own.",
        )


def report_untried_topics(topics: Sequence[str]) -> Iterator[DoctorFinding]:
    """Topics that no canary goes through; none of them is known where this is empty."""
    through = ", ".join(topics) or "any topic"
    yield report_not_tried(
        "T8",
        f"Nothing was sent through {through}: whether SNS may send to the queue, by its policy and its key, "
        "was not tried.",
        "Name one topic: --topic ARN.",
    )


def report_no_topic() -> DoctorFinding:
    """No topic to look at."""
    return report_denied(
        "T7", "No topic is known, so no subscription was looked at.", "Name it: --topic ARN."
    )
