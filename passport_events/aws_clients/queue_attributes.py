"""Attributes of a queue in SQS, its depth for example."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from passport_events.conf import Settings
from passport_events.exceptions import QueueUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

DEPTH: Final = "ApproximateNumberOfMessages"
IN_FLIGHT: Final = "ApproximateNumberOfMessagesNotVisible"
DELAYED: Final = "ApproximateNumberOfMessagesDelayed"
RETENTION: Final = "MessageRetentionPeriod"


def read_queue_attributes(
    settings: Settings, queue_url: str, names: Sequence[QueueAttributeNameType], attempts: int = 2
) -> dict[str, int]:
    """Attributes of a queue that are numbers, by name.

    Raises QueueUnavailable, and ConfigurationError where boto3 makes no client.
    """
    # Not above: boto3 is large, and few processes ask AWS anything.
    from passport_events.aws_clients.clients import AWS_ERRORS, READ_MARGIN_SECONDS, client, kind_of  # noqa: PLC0415

    of_queue = dataclasses.replace(settings, queue_url=queue_url)
    sqs: SQSClient = client(of_queue, "sqs", READ_MARGIN_SECONDS, attempts)
    try:
        found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return {name: int(found[name]) for name in names}
    except AWS_ERRORS as error:
        raise QueueUnavailable(f"SQS did not answer GetQueueAttributes: {kind_of(error)}") from error
