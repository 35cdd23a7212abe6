"""Messages that SQS itself has given up, and the command that reads them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from django.core.management import call_command

from tests.harness.aws import Sqs


def receives(sqs: Sqs) -> int:
    """After how many SQS gives a message up."""
    return int(json.loads(sqs.queue.attributes["RedrivePolicy"])["maxReceiveCount"])


def give_up(sqs: Sqs, *bodies: str | Mapping[str, Any]) -> None:
    """Publish, and receive too often without deleting: SQS's redrive policy does the rest."""
    for body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        sqs.topic.publish(Message=text)
    give_up_what_is_there(sqs, len(bodies))


def give_up_what_is_there(sqs: Sqs, count: int) -> None:
    """The same of what waits in the queue already."""
    sqs.queue.set_attributes(Attributes={"VisibilityTimeout": "0"})
    for _ in range((receives(sqs) + 1) * (count // 10 + 1)):
        sqs.queue.receive_messages(MaxNumberOfMessages=10, VisibilityTimeout=0)
    assert dead_letters(sqs) == count


def dead_letters(sqs: Sqs) -> int:
    """Messages in the dead letter queue, those in flight included."""
    sqs.dead_letter_queue.reload()
    found = sqs.dead_letter_queue.attributes
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def ingest(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `passport ingest-dlq` in this process."""
    output, errors = io.StringIO(), io.StringIO()
    try:
        call_command("passport", "ingest-dlq", *arguments, stdout=output, stderr=errors)
    except SystemExit as exit_:
        return int(exit_.code or 0), output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()
