"""Attributes of an SQS queue, for example its depth."""

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
    """Read numeric attributes of a queue, by name.

    Raises QueueUnavailable, and ConfigurationError if boto3 cannot create a client.
    """
    # Not at the top: boto3 is slow to import, and few processes need it.
    from passport_events.aws_clients.clients import (  # noqa: PLC0415
        AWS_ERRORS,
        READ_MARGIN_SECONDS,
        create_client,
        get_error_code,
    )

    of_queue = dataclasses.replace(settings, queue_url=queue_url)
    sqs: SQSClient = create_client(of_queue, "sqs", READ_MARGIN_SECONDS, attempts)
    try:
        found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return {name: int(found[name]) for name in names}
    except AWS_ERRORS as error:
        raise QueueUnavailable(f"SQS did not answer GetQueueAttributes: {get_error_code(error)}") from error
