"""Canaries: real events of an organization of their own, sent down the whole path.

Nothing on the path knows them. Their organization does not exist in Salesforce and is in the mode
`shadow`, so that they are received, stored, hinted, claimed and merged, and no handler is called.
"""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from passport_events.aws_clients.clients import AWS_ERRORS, READ_MARGIN_SECONDS, create_client
from passport_events.conf import Settings
from passport_events.dispatching.flow_control import FlowControls
from passport_events.event import Identity
from passport_events.models import Mode, ProcessedMessage, SalesforceOrganization, Status
from passport_events.models.status import TERMINAL
from passport_events.operating import heartbeats
from passport_events.operating.doctor.finding import (
    DoctorFinding,
    report_error,
    report_not_tried,
    report_ok,
    report_warning,
)
from passport_events.operating.doctor.queue import report_refusal
from passport_events.operating.doctor.topic import set_region
from passport_events.receiving import organization_cache
from passport_events.salesforce_ids import normalize_id

ORGANIZATION = "00D000000000000EAA"
NAME = "Canary of passport doctor"
LOOK_SECONDS = 0.2
MAX_REFUSED = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Canary:
    """One event that was sent."""

    event_type: str
    message_id: str
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class CanaryState:
    """How far a canary came, and when it was where."""

    event_type: str
    status: str = ""
    """Empty where it was not received."""
    reason: str = ""
    receives: int = 0
    sent_at: datetime | None = None
    received_at: datetime | None = None
    claimed_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_at_its_end(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in TERMINAL


def send(settings: Settings, topic: str, event_types: Collection[str]) -> list[Canary] | DoctorFinding:
    """One canary for each event type, through the topic, or straight to the queue without one."""
    row, _ = SalesforceOrganization.objects.update_or_create(
        salesforce_id=ORGANIZATION, defaults={"name": NAME, "mode": Mode.SHADOW}
    )
    organization_cache.forget(row.salesforce_id)
    sent = []
    for number, event_type in enumerate(event_types, start=1):
        message_id = str(uuid.uuid4())
        body = _build_body(event_type, message_id, normalize_id(f"{number:015d}"))
        try:
            _send(settings, topic, json.dumps(body))
        except AWS_ERRORS as refusal:
            action, where = ("sns:Publish", "the topic") if topic else ("sqs:SendMessage", "QUEUE_URL")
            return report_refusal("C1", "No canary could be sent", refusal, action, where)
        sent.append(
            Canary(event_type, message_id, Identity.of("cloudevents", body["source"], message_id).key)
        )
    return sent


def _build_body(event_type: str, message_id: str, record_id: str) -> dict[str, Any]:
    now = time.time_ns() // 1_000_000
    return {
        "specversion": "1.0",
        "id": message_id,
        "source": f"urn:salesforce:org:{ORGANIZATION}",
        "type": f"passport.doctor.{event_type}.upserted.v1",
        "subject": record_id,
        "sequence": f"{now:014d}.{0:020d}.{0:06d}",
        "data": {"record_id": record_id, "sent_by": "passport doctor"},
    }


def _send(settings: Settings, topic: str, body: str) -> None:
    if topic:
        sns = create_client(set_region(topic, settings), "sns", READ_MARGIN_SECONDS)
        sns.publish(TopicArn=topic, Message=body)
    else:
        sqs = create_client(settings, "sqs", READ_MARGIN_SECONDS)
        sqs.send_message(QueueUrl=settings.queue_url, MessageBody=body)


def follow(
    sent: Sequence[Canary], patience: timedelta, progress: Callable[[int], None] = lambda done: None
) -> list[CanaryState]:
    """Watch canaries until all are at their end, or patience is."""
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        seen = _read_states(sent)
        done = sum(each.is_at_its_end for each in seen)
        progress(done)
        if done == len(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(LOOK_SECONDS)


def _read_states(sent: Sequence[Canary]) -> list[CanaryState]:
    rows = ProcessedMessage.objects.filter(dedup_key__in=[canary.key for canary in sent])
    found = {row.dedup_key: row for row in rows.select_related("delivery")}
    refused = _find_refused() if len(found) < len(sent) else []
    return [_build_state(each, found.get(each.key) or _find_row(each, refused)) for each in sent]


def _find_refused() -> list[ProcessedMessage]:
    """The newest quarantined messages. One whose topic was refused, for example, has another key."""
    rows = ProcessedMessage.objects.filter(status=Status.QUARANTINED).order_by("-pk")
    return list(rows.select_related("delivery")[:MAX_REFUSED])


def _find_row(canary: Canary, refused: Sequence[ProcessedMessage]) -> ProcessedMessage | None:
    sought = canary.message_id.encode()
    return next((row for row in refused if sought in bytes(row.delivery.body or b"")), None)


def _build_state(canary: Canary, row: ProcessedMessage | None) -> CanaryState:
    if row is None:
        return CanaryState(canary.event_type)
    return CanaryState(
        event_type=canary.event_type,
        status=row.status,
        reason=row.reason,
        receives=row.delivery.receive_count,
        sent_at=row.delivery.sent_at,
        received_at=row.delivery.received_at,
        claimed_at=row.claimed_at,
        finished_at=row.finished_at,
    )


def judge(seen: Sequence[CanaryState], patience: timedelta) -> Iterator[DoctorFinding]:
    """Where each canary is, and what that means."""
    seconds = int(patience.total_seconds())
    lost = [each.event_type for each in seen if not each.status]
    paused = _find_paused(seen)
    if lost and not heartbeats.is_running("poller"):
        yield report_error(
            "C2",
            f"{len(lost)} of {len(seen)} canaries were not received: no poller is running.",
            "Start it: manage.py poll_sqs.",
        )
    elif lost:
        yield report_error(
            "C3",
            f"{len(lost)} of {len(seen)} canaries were not received within {seconds} s: {', '.join(lost)}.",
            "Does something else receive from the same queue? Then give each consumer a queue of its own. "
            "Else see that the pollers have the same QUEUE_URL, and that the topic reaches it.",
        )
    for each in seen:
        if each.status and not each.is_at_its_end and each.event_type in paused:
            yield report_warning(
                "C7",
                f"The canary of {each.event_type} was stored, and waits: an operator paused it.",
                "See who and why with manage.py passport health, which also says how to end it.",
            )
        elif each.status and not each.is_at_its_end:
            yield report_error(
                "C4",
                f"The canary of {each.event_type} was stored, and not handled within {seconds} s.",
                "Does a worker listen to its queue (R5)? See manage.py passport health.",
            )
        elif each.status and each.status != Status.SUCCEEDED:
            text = f"The canary of {each.event_type} ended as {each.status} ({each.reason})."
            yield report_error("C5", text, "Look at the message in the admin.")
        elif each.status:
            yield report_ok("C0", _describe_path(each))
    if any(each.receives > 1 for each in seen):
        yield report_warning(
            "C6",
            "A canary had been received before a poller of ours stored it.",
            "Does something else receive from the same queue? Or did a poller die at this moment?",
        )


def _find_paused(seen: Sequence[CanaryState]) -> set[str]:
    """Event types of which an operator holds back the canary."""
    stuck = {each.event_type for each in seen if each.status and not each.is_at_its_end}
    home = SalesforceOrganization.objects.filter(salesforce_id=ORGANIZATION).first() if stuck else None
    controls = FlowControls.read() if home else FlowControls()
    return {name for name in stuck if home and controls.is_paused(name, home.pk)}


def report_not_sent() -> DoctorFinding:
    """The finding of `--no-canary`."""
    return report_not_tried(
        "C8",
        "No canary was sent: whether events are received, stored and handled was not tried.",
        "Leave out --no-canary.",
    )


def _describe_path(seen: CanaryState) -> str:
    steps = (
        ("queue to inbox", seen.sent_at, seen.received_at),
        ("inbox to worker", seen.received_at, seen.claimed_at),
        ("worker to end", seen.claimed_at, seen.finished_at),
    )
    parts = [f"{name} {(end - begin).total_seconds():.2f} s" for name, begin, end in steps if begin and end]
    return f"The canary of {seen.event_type} came to its end: {', '.join(parts)}."
