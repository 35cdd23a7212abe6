"""Small words for arranging a test: events, and what became of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from django.db import connections

from passport_events.models import ProcessedMessage
from passport_events.testing import organization_id, record_id, relay_message
from passport_events.testing.factories import COMMITTED_MS
from tests.harness.aws import Sqs
from tests.receiving.envelopes import relayed

HOME = organization_id(1)
ELSEWHERE = organization_id(2)


def opportunity(nth: int, name: str = "Acme", organization: str = HOME, **options: Any) -> dict[str, Any]:
    """The creation of the `nth` opportunity, as Event Relay sends it."""
    record = record_id("Opportunity", nth)
    return relay_message("Opportunity", record, fields={"Name": name}, organization=organization, **options)


def heartbeat(organization: str = HOME, at_ms: int = COMMITTED_MS) -> dict[str, Any]:
    """An organization's heartbeat, as Event Relay sends it."""
    chance = Random(at_ms)
    return relayed({"CreatedDate": at_ms}, "Passport_Heartbeat__e", organization, chance)


def written_heartbeat(organization: str = HOME, at_ms: int = COMMITTED_MS) -> dict[str, Any]:
    """An organization's heartbeat, as a message of our contract."""
    return {
        "specversion": "1.0",
        "id": str(at_ms),
        "source": f"urn:salesforce:org:{organization}",
        "type": "edu.example.salesforce.heartbeat.v1",
        "time": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(),
    }


def opportunities(numbers: Sequence[int], **options: Any) -> dict[str, Any]:
    """One change event that Salesforce merged over several records."""
    records = [record_id("Opportunity", number) for number in numbers]
    return relay_message("Opportunity", records, fields={"Name": "Acme"}, organization=HOME, **options)


def outcomes() -> list[tuple[str, str]]:
    """Status and reason of every message, sorted."""
    return sorted(ProcessedMessage.objects.values_list("status", "reason"))


def left_in_sqs(sqs: Sqs) -> int:
    """Messages in the embedded queue, those that somebody received and did not delete included."""
    sqs.queue.reload()  # boto3's resources remember what they saw first
    found = sqs.queue.attributes
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def in_a_thread(work: Callable[[], Any]) -> Any:
    """Run `work` with database connections of its own, and return what it returns."""
    answer: list[Any] = []

    def run() -> None:
        try:
            answer.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return answer[0]


def eventually(condition: Callable[[], Any], seconds: float = 15) -> None:
    """Wait for what another thread or process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} seconds"
        time.sleep(0.005)
