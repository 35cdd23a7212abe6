"""boto3 as one uses it by hand."""

from __future__ import annotations

import signal
import sys
from typing import Any

import boto3

from benchmarks.throughput.peers import place

WAIT_SECONDS = 20


def client() -> Any:
    """A client with boto3's defaults."""
    return boto3.client("sqs", endpoint_url=place.ENDPOINT_URL, region_name=place.REGION)


def receive(sqs: Any, limit: int) -> list[Any]:
    """One long poll."""
    answer = sqs.receive_message(
        QueueUrl=place.QUEUE_URL, MaxNumberOfMessages=limit, WaitTimeSeconds=WAIT_SECONDS
    )
    return list(answer.get("Messages", ()))


def delete(sqs: Any, messages: list[Any]) -> None:
    """One batch."""
    entries = [
        {"Id": str(position), "ReceiptHandle": message["ReceiptHandle"]}
        for position, message in enumerate(messages)
    ]
    sqs.delete_message_batch(QueueUrl=place.QUEUE_URL, Entries=entries)


def end_on_sigterm() -> None:
    """End at once: the harness asks only when the work is done."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
