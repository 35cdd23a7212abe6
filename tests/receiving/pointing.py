"""Small words for large messages: put one into S3, publish its pointer, let it arrive and be opened."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from passport_events import conf
from passport_events.event import S3_POINTER
from passport_events.handling.worker import work
from passport_events.models import ProcessedMessage
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from passport_events.wire.s3_pointer import CLASSES
from tests.harness.aws import BUCKET, Sqs
from tests.receiving.factories import HOME

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

_count = itertools.count(1)


def upload(bucket: Bucket, body: object, key: str = "") -> str:
    """Put an object there; bytes are taken as they are. Returns its key."""
    key = key or f"payload-{next(_count)}"
    bucket.put_object(Key=key, Body=body if isinstance(body, bytes) else json.dumps(body).encode())
    return key


def pointer(key: str, bucket: str = BUCKET, name: str = CLASSES[0]) -> list[Any]:
    """What the extended client sends in its place."""
    return [name, {"s3BucketName": bucket, "s3Key": key}]


def publish(sqs: Sqs, body: object, **attributes: str) -> None:
    """Publish a message, with `org_id` unless another one is given."""
    named = {"org_id": HOME, **attributes}
    typed: Any = {
        name: {"DataType": "String", "StringValue": value} for name, value in named.items() if value
    }
    sqs.topic.publish(Message=json.dumps(body), MessageAttributes=typed)


def arrive() -> None:
    """Receive until the queue is empty, and leave nothing there."""
    queue = SqsQueue(conf.get_settings())
    while (polled := poll_once(queue, wait_seconds=0)).received:
        assert polled.left == 0


def open_pointers() -> None:
    """Work until nothing of the pointers' queue is due."""
    work(conf.get_settings().queue_of(S3_POINTER))


def send(sqs: Sqs, bucket: Bucket, body: object, **attributes: str) -> ProcessedMessage:
    """All of it up to the pointer's row, which waits."""
    publish(sqs, pointer(upload(bucket, body)), **attributes)
    arrive()
    return pointers()[-1]


def pointers() -> list[ProcessedMessage]:
    """Every message that is one, as it stands."""
    return list(ProcessedMessage.objects.filter(event_type=S3_POINTER).order_by("pk"))


def events() -> list[ProcessedMessage]:
    """Every other message."""
    return list(ProcessedMessage.objects.exclude(event_type=S3_POINTER).order_by("record_id"))


def state(message: ProcessedMessage) -> tuple[str, str, int]:
    """Where it stands now, why, and after how many attempts."""
    row = ProcessedMessage.objects.get(pk=message.pk)
    return row.status, row.reason, row.attempts


def let_time_pass() -> None:
    """Every delay and every lease is over."""
    live = ProcessedMessage.objects.filter(due_at__isnull=False)
    live.update(due_at=timezone.now() - timedelta(seconds=1))
