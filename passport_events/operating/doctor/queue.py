"""The SQS queue and its dead letter queue, as AWS says they are, against what receiving needs.

Attribute names and units: GetQueueAttributes in the Amazon SQS API Reference.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from passport_events.aws_clients.clients import AWS_ERRORS, READ_MARGIN_SECONDS, create_client, get_error_code
from passport_events.conf import Settings
from passport_events.handling.retry import RetryPolicy
from passport_events.operating.doctor.finding import (
    DoctorFinding,
    Id,
    report_denied,
    report_error,
    report_not_tried,
    report_ok,
    report_warning,
)
from passport_events.operating.text import format_duration
from passport_events.wire.raw_delivery import parse_queue_name

MIN_RECEIVES = 10
"""A database that is away for some minutes must not send the backlog to the dead letter queue."""
MIN_VISIBILITY = timedelta(seconds=30)
"""Storing a batch may wait five seconds for a lock, and be tried again row by row."""
MAX_VISIBILITY = timedelta(minutes=15)
"""What a poller that was killed had received comes again only after it."""
MIN_RETENTION = timedelta(days=4)
"""A long weekend."""
MAX_IN_FLIGHT = 100_000
"""SQS stops handing out at about 120,000, without an error."""
INVALID_HANDLE = ("ReceiptHandleIsInvalid", "InvalidParameterValue", "InvalidAddress")
"""What SQS answers to a delete that it would allow, of a message that does not exist."""
MISSING = ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "403")
"""Codes of a right that is missing. Credentials that AWS does not know are another matter."""


@dataclasses.dataclass(frozen=True, slots=True)
class QueueFacts:
    """Attributes of a queue, and of the one that its messages go to after too many receives."""

    arn: str
    attributes: Mapping[str, str]
    dead_letters: Mapping[str, str] | None = None
    """None where there is none, or it could not be asked."""
    problem: str = ""
    """Why the dead letter queue could not be asked."""
    delete: str = INVALID_HANDLE[0]
    """How SQS answered a delete of a message that does not exist."""

    @property
    def redrive(self) -> Mapping[str, Any]:
        """The redrive policy; empty where there is none."""
        found = parse_json(self.attributes.get("RedrivePolicy"))
        return found if isinstance(found, dict) else {}

    def is_ingested(self, settings: Settings) -> bool:
        """Whether `passport ingest-dlq` reads the dead letter queue. Its name ends its ARN and URL."""
        name = str(self.redrive.get("deadLetterTargetArn")).rpartition(":")[2]
        return name in map(parse_queue_name, settings.dead_letter_queue_urls)

    def span(self, name: str) -> timedelta:
        """An attribute in seconds."""
        return timedelta(seconds=int(self.attributes.get(name, 0)))


def read_facts(settings: Settings) -> QueueFacts | DoctorFinding:
    """Ask SQS; a finding where it does not answer."""
    sqs = create_client(settings, "sqs", 2 * READ_MARGIN_SECONDS)
    try:
        attributes = _read_attributes(sqs, settings.queue_url)
    except AWS_ERRORS as refusal:
        return report_refusal(
            "Q1", "SQS says nothing about the queue", refusal, "sqs:GetQueueAttributes", "QUEUE_URL"
        )
    facts = QueueFacts(attributes.get("QueueArn", ""), attributes, delete=_try_to_delete(sqs, settings))
    target = facts.redrive.get("deadLetterTargetArn")
    if not target:
        return facts
    try:
        name, account = target.rpartition(":")[2], target.split(":")[4]
        url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        return dataclasses.replace(facts, dead_letters=_read_attributes(sqs, url))
    except AWS_ERRORS as refusal:
        return dataclasses.replace(facts, problem=get_error_code(refusal))


def _try_to_delete(sqs: Any, settings: Settings) -> str:
    try:
        sqs.delete_message(QueueUrl=settings.queue_url, ReceiptHandle="passport doctor")
    except AWS_ERRORS as refusal:
        return get_error_code(refusal)
    return INVALID_HANDLE[0]


def report_refusal(number: Id, text: str, refusal: BaseException, action: str, setting: str) -> DoctorFinding:
    """A call that AWS did not answer: a right that is missing is told from an address that is wrong."""
    kind = get_error_code(refusal)
    if kind in DENIED:
        return report_denied(
            number, f"{text}: {kind}.", f"Allow the action {action} to the role that runs this."
        )
    return report_error(
        number, f"{text}: {kind}.", f"See that {setting}, the region and the credentials are right."
    )


def _read_attributes(sqs: Any, url: str) -> dict[str, str]:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(found.get("Attributes", {}))


def judge(facts: QueueFacts, settings: Settings) -> Iterator[DoctorFinding]:
    """Everything that is wrong with the queue, or that nothing is."""
    found = [*_judge_queue(facts, settings), *_judge_rights(facts), *_judge_dead_letters(facts, settings)]
    yield from found
    if not found:
        text = "The queue and its dead letter queue are set up as receiving needs them; this role may delete."
        yield report_ok("Q0", text)


def _judge_queue(facts: QueueFacts, settings: Settings) -> Iterator[DoctorFinding]:
    if facts.attributes.get("FifoQueue") == "true":
        yield report_error(
            "Q2", "The queue is a FIFO queue.", "Make a standard queue: order is in each event's version."
        )
    visibility = facts.span("VisibilityTimeout")
    if visibility < MIN_VISIBILITY:
        span = format_duration(visibility)
        text = f"The visibility timeout is {span}: messages come again while they are stored."
        yield report_warning("Q3", text, "Set VisibilityTimeout to 60 seconds.")
    if visibility > MAX_VISIBILITY:
        span = format_duration(visibility)
        text = f"The visibility timeout is {span}; a killed poller's messages wait for it."
        yield report_warning("Q3", text, "Set VisibilityTimeout to 60 seconds.")
    needed = max(MIN_RETENTION, RetryPolicy.from_settings(settings).total_delay)
    kept = facts.span("MessageRetentionPeriod")
    if kept < needed:
        spans = format_duration(kept), format_duration(needed)
        text = f"The queue keeps messages for {spans[0]}, retries alone may take {spans[1]}."
        yield report_warning(
            "Q4", text, f"Set MessageRetentionPeriod to {int(needed.total_seconds())} or more."
        )
    if facts.span("DelaySeconds"):
        yield report_warning("Q5", "The queue delays every message.", "Set DelaySeconds to 0.")
    largest = int(facts.attributes.get("MaximumMessageSize", 0))
    if largest > settings.max_body_bytes:
        text = f"The queue takes messages of {largest} bytes; only {settings.max_body_bytes} are read."
        yield report_warning("Q6", text, "Raise MAX_BODY_BYTES, or lower MaximumMessageSize.")
    if is_open_policy(facts.attributes.get("Policy")):
        yield report_error(
            "Q8",
            "Anybody on AWS may send to the queue: its policy names everybody, and no condition.",
            "Allow sqs:SendMessage to sns.amazonaws.com with ArnEquals aws:SourceArn of the topic.",
        )
    flying = int(facts.attributes.get("ApproximateNumberOfMessagesNotVisible", 0))
    if flying > MAX_IN_FLIGHT:
        text = f"{flying} messages are in flight; at about 120,000 SQS hands out nothing, without an error."
        yield report_error(
            "Q7", text, "Who receives and does not delete? See sqs:DeleteMessage, and other consumers."
        )


def _judge_rights(facts: QueueFacts) -> Iterator[DoctorFinding]:
    if facts.delete in INVALID_HANDLE:
        return
    if facts.delete in DENIED:
        text = f"SQS refuses a delete to the role that runs this: {facts.delete}."
        hint = "If pollers have this role, allow it sqs:DeleteMessage: else SQS sends stored messages again."
        yield report_warning("Q15", text, hint)
    else:
        text = f"Whether SQS lets this role delete is not known: {facts.delete}."
        yield report_not_tried("Q15", text, "See that pollers are allowed sqs:DeleteMessage.")


def _judge_dead_letters(facts: QueueFacts, settings: Settings) -> Iterator[DoctorFinding]:
    if not facts.redrive.get("deadLetterTargetArn"):
        yield report_error(
            "Q9",
            "The queue has no dead letter queue: what cannot be received for its retention is gone.",
            f"Give it a RedrivePolicy with a dead letter queue and maxReceiveCount {MIN_RECEIVES}.",
        )
        return
    receives = int(facts.redrive.get("maxReceiveCount", 0))
    if receives < MIN_RECEIVES:
        text = f"After {receives} receives SQS gives a message up; a short outage of ours costs that many."
        yield report_warning("Q10", text, f"Set maxReceiveCount to {MIN_RECEIVES} or more.")
    if facts.problem in MISSING:
        text = "The dead letter queue that the RedrivePolicy names does not exist."
        yield report_error(
            "Q14",
            text,
            "Create it, or name another one: until then SQS repeats what cannot be stored until it expires.",
        )
        return
    if facts.dead_letters is None:
        text = f"SQS says nothing about the dead letter queue: {facts.problem}."
        yield report_denied("Q11", text, "Allow sqs:GetQueueUrl and sqs:GetQueueAttributes on it.")
        return
    kept = timedelta(seconds=int(facts.dead_letters.get("MessageRetentionPeriod", 0)))
    if kept <= facts.span("MessageRetentionPeriod"):
        # A standard queue's message keeps the time at which it was first sent.
        text = f"The dead letter queue keeps messages for {format_duration(kept)} after they were first sent."
        yield report_warning("Q12", text, "Set its MessageRetentionPeriod to 1209600 (14 days).")
    waiting = int(facts.dead_letters.get("ApproximateNumberOfMessages", 0))
    if waiting:
        text = f"{waiting} messages are in SQS's dead letter queue: they were never stored here."
        named = "" if facts.is_ingested(settings) else "Name that queue in DEAD_LETTER_QUEUE_URLS, then r"
        yield report_warning("Q13", text, f"{named or 'R'}ead them in: manage.py passport ingest-dlq.")


_TO_SEND = ("*", "sqs:*", "sqs:sendmessage")


def is_open_policy(policy: str | None) -> bool:
    """Whether a statement lets everybody send, without a condition."""
    found = parse_json(policy)
    statements = _wrap_in_list(found.get("Statement")) if isinstance(found, dict) else []
    return any(_allows_anyone(statement) for statement in statements)


def _allows_anyone(statement: Any) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    principal = statement.get("Principal")
    everybody = principal == "*" or (
        isinstance(principal, dict) and "*" in _wrap_in_list(principal.get("AWS"))
    )
    return everybody and any(
        str(action).lower() in _TO_SEND for action in _wrap_in_list(statement.get("Action"))
    )


def parse_json(text: str | None) -> Any:
    """What AWS hands out as JSON in a text; an empty object where it is none."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def _wrap_in_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
