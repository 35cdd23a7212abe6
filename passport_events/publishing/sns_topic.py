"""The topic: publish a batch, and nothing else of SNS."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from passport_events.aws_clients.clients import AWS_ERRORS, create_client, get_error_code, is_client_fault
from passport_events.aws_clients.error_advice import SNS, find_advice
from passport_events.aws_clients.queue_urls import strip_userinfo
from passport_events.conf import Settings
from passport_events.exceptions import OperationRefused, TopicUnavailable
from passport_events.publishing.messages import DATA_TYPE, OutgoingMessage

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

READ_TIMEOUT_SECONDS = 10
"""How long SNS may think about a batch."""

_ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_NO_ANSWER = "NoAnswer"


@dataclasses.dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A message that SNS did not take."""

    position: int
    """In the batch, from 0."""
    code: str
    """AWS's word for the reason."""
    is_final: bool
    """It is the message's own fault, so that sending it again is of no use."""


class Topic(Protocol):
    """What sending needs of a topic."""

    def publish(self, batch: Sequence[OutgoingMessage]) -> list[RejectedMessage]:
        """One request; returns those that were not taken. Raises TopicUnavailable."""


class SnsTopic:
    """A standard topic of SNS."""

    def __init__(self, settings: Settings, arn: str) -> None:
        """Raises OperationRefused for an ARN that is none, and ConfigurationError."""
        region = parse_region(arn)
        self._arn = arn
        self._sns: SNSClient = create_client(
            dataclasses.replace(settings, region=region), "sns", READ_TIMEOUT_SECONDS
        )

    def publish(self, batch: Sequence[OutgoingMessage]) -> list[RejectedMessage]:
        """One PublishBatch. Raises TopicUnavailable where SNS says nothing about any message."""
        try:
            response = self._sns.publish_batch(
                TopicArn=self._arn,
                PublishBatchRequestEntries=[
                    {
                        "Id": str(position),
                        "Message": message.body,
                        "MessageAttributes": {
                            name: {"DataType": DATA_TYPE, "StringValue": value}
                            for name, value in message.attributes.items()
                        },
                    }
                    for position, message in enumerate(batch)
                ],
            )
            taken = {entry["Id"] for entry in response.get("Successful") or ()}
            failed = {
                entry["Id"]: (str(entry["Code"]), bool(entry["SenderFault"]))
                for entry in response.get("Failed") or ()
            }
        except AWS_ERRORS as error:
            kind = get_error_code(error)
            server = strip_userinfo(urlsplit(self._sns.meta.endpoint_url).netloc)
            hint = (
                f"({self._arn} at {server}). {find_advice(kind, SNS)}"
                f"To find out more, run manage.py passport doctor --topic {self._arn}."
            )
            raise TopicUnavailable(kind, is_final=is_client_fault(error), hint=hint) from error
        refused = []
        for position in range(len(batch)):
            if str(position) in taken:
                continue
            # One that SNS does not mention at all may be lost; sent twice is better.
            code, is_final = failed.get(str(position), (_NO_ANSWER, False))
            refused.append(RejectedMessage(position, code, is_final))
        return refused


def parse_region(arn: str) -> str:
    """The region of a standard topic. Raises OperationRefused for any other ARN."""
    found = _ARN.fullmatch(arn)
    if found is None:
        example = "arn:aws:sns:us-east-1:123456789012:salesforce-events"
        raise OperationRefused(f"--topic must be the ARN of an SNS topic, like {example}.")
    if found[2]:
        raise OperationRefused(
            "This is a FIFO topic, and it delivers to FIFO queues only. Publish to a standard one: "
            "the order of events is in their versions."
        )
    return found[1]
