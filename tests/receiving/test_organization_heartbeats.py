"""Organization heartbeats leave two times on their organization, and no row."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from passport_events import conf
from passport_events.instrumentation import Notification
from passport_events.models import Delivery, Mode, ProcessedMessage, SalesforceOrganization
from passport_events.operating.audit_log import Actor
from passport_events.operating.organizations import filter_held_messages, reprocess_organization
from passport_events.receiving import organization_cache
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from passport_events.testing import FakeQueue, organization_id, sns_notification
from passport_events.testing.factories import COMMITTED_MS
from tests.harness.aws import Sqs
from tests.harness.notifications import Notifications
from tests.receiving.factories import (
    ELSEWHERE,
    HOME,
    heartbeat,
    left_in_sqs,
    opportunity,
    outcomes,
    written_heartbeat,
)

pytestmark = pytest.mark.django_db

SENT = datetime.fromtimestamp(COMMITTED_MS / 1000, UTC)
MINUTE = 60_000
UNHEARD = "unknown_organization_heartbeat"


def heard(organization: str = HOME) -> tuple[datetime | None, datetime | None]:
    """When its newest heartbeat was sent, and recorded."""
    row = SalesforceOrganization.objects.get(salesforce_id=organization)
    return row.heartbeat_sent_at, row.heartbeat_received_at


def is_now(time: datetime | None) -> bool:
    return time is not None and abs(datetime.now(UTC) - time) < timedelta(minutes=1)


@pytest.mark.parametrize("make", [heartbeat, written_heartbeat])
@pytest.mark.parametrize("wrap", [json.dumps, sns_notification])
def test_a_heartbeat_is_two_times_and_no_row(
    home: SalesforceOrganization, queue: FakeQueue, notifications: Notifications, make: Any, wrap: Any
) -> None:
    edited = home.updated_at
    queue.send(wrap(make()))

    polled = poll_once(queue)

    assert (polled.received, polled.new, polled.duplicates, polled.left) == (1, 0, 0, 0)
    sent_at, received_at = heard()
    assert (sent_at, is_now(received_at)) == (SENT, True)
    assert (ProcessedMessage.objects.count(), Delivery.objects.count()) == (0, 0)
    assert queue.bodies == []
    (facts,) = notifications.facts_of(Notification.HEARD)
    assert facts["organization"] == HOME
    assert abs(facts["delay_seconds"] - (datetime.now(UTC) - SENT).total_seconds()) < 60
    assert SalesforceOrganization.objects.get().updated_at == edited  # nobody edited it


def test_it_comes_through_sns_and_sqs_wrapped_and_raw(home: SalesforceOrganization, sqs: Sqs) -> None:
    SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    sqs.topic.publish(Message=json.dumps(heartbeat()))
    sqs.queue.send_message(
        MessageBody=json.dumps(written_heartbeat(ELSEWHERE)),
        MessageAttributes={"org_id": {"DataType": "String", "StringValue": ELSEWHERE[:15]}},
    )
    sqs.topic.publish(Message=json.dumps(opportunity(1)))

    received = 0
    polling = SqsQueue(conf.get_settings())
    while received < 3:
        polled = poll_once(polling, wait_seconds=1)
        received += polled.received
        assert polled.left == 0

    assert (heard()[0], heard(ELSEWHERE)[0]) == (SENT, SENT)
    assert outcomes() == [("waiting", "")]
    assert left_in_sqs(sqs) == 0


def test_a_batch_may_hold_everything(
    home: SalesforceOrganization, queue: FakeQueue, notifications: Notifications
) -> None:
    other = SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    for body in (
        heartbeat(),
        opportunity(1),
        b"no event",
        heartbeat(at_ms=COMMITTED_MS + MINUTE),
        heartbeat(other.salesforce_id, COMMITTED_MS - MINUTE),
        json.dumps(heartbeat()).replace(str(COMMITTED_MS), '"Jane Doe"'),
        opportunity(1),
        written_heartbeat(organization_id(9)),
        opportunity(2, organization=ELSEWHERE),
    ):
        queue.send(body)

    polled = poll_once(queue)

    assert (polled.received, polled.new, polled.duplicates, polled.left) == (9, 5, 1, 0)
    assert (heard()[0], heard(ELSEWHERE)[0]) == (SENT + timedelta(minutes=1), SENT - timedelta(minutes=1))
    reasons = [reason.partition(":")[0] for _, reason in outcomes()]
    assert sorted(reasons) == ["", "", "invalid_json", "schema", UNHEARD]
    assert sorted(facts["organization"] for facts in notifications.facts_of(Notification.HEARD)) == [
        HOME,
        ELSEWHERE,
    ]
    assert queue.bodies == []


@pytest.mark.parametrize("later_ms", [0, 1, 72 * 60 * MINUTE])
def test_an_older_one_changes_nothing_and_is_deleted(
    home: SalesforceOrganization, queue: FakeQueue, later_ms: int
) -> None:
    """A replay, a redrive or a second copy is no sign of life."""
    queue.send(heartbeat(at_ms=COMMITTED_MS + later_ms))
    poll_once(queue)
    before = heard()
    queue.send(heartbeat())

    assert poll_once(queue).left == 0

    assert heard() == before
    assert queue.bodies == []


def test_a_newer_one_moves_both_times(home: SalesforceOrganization, queue: FakeQueue) -> None:
    queue.send(heartbeat())
    poll_once(queue)
    long_ago = datetime(2026, 5, 8, tzinfo=UTC)
    SalesforceOrganization.objects.update(heartbeat_received_at=long_ago)
    queue.send(heartbeat(at_ms=COMMITTED_MS + 1))

    poll_once(queue)

    assert heard()[0] == SENT + timedelta(milliseconds=1)
    assert is_now(heard()[1])


def test_a_clock_that_is_ahead_does_not_hide_the_heartbeats_after_it(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    queue.send(heartbeat(at_ms=now_ms + 20 * 60 * MINUTE))
    poll_once(queue)
    first = heard()
    assert is_now(first[0])
    queue.send(heartbeat(at_ms=now_ms + 19 * 60 * MINUTE))
    poll_once(queue)
    second = heard()
    for before, after in zip(first, second, strict=True):
        assert before is not None
        assert after is not None
        assert after > before


@pytest.mark.parametrize("mode", Mode.values)
def test_it_is_recorded_whatever_the_mode(queue: FakeQueue, mode: str) -> None:
    SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode=mode)
    queue.send(heartbeat())
    poll_once(queue)
    assert heard()[0] == SENT


def test_an_unknown_organization_is_kept_for_a_person_once(
    queue: FakeQueue, notifications: Notifications
) -> None:
    for minute in range(3):
        queue.send(heartbeat(at_ms=COMMITTED_MS + minute * MINUTE))
        queue.send(sns_notification(written_heartbeat(at_ms=COMMITTED_MS + minute * MINUTE)))
        queue.send(heartbeat(ELSEWHERE))
        poll_once(queue)

    assert outcomes() == [("quarantined", UNHEARD)] * 2
    assert set(ProcessedMessage.objects.values_list("organization_salesforce_id", flat=True)) == {
        HOME,
        ELSEWHERE,
    }
    assert Delivery.objects.filter(wire_format="raw+organization-heartbeat").count() == 2
    assert [facts["reason"] for facts in notifications.facts_of(Notification.QUARANTINED)] == [UNHEARD] * 2
    assert notifications.facts_of(Notification.HEARD) == []
    assert queue.bodies == []


def test_what_is_kept_of_it_ends_when_it_is_known(queue: FakeQueue) -> None:
    queue.send(heartbeat())
    queue.send(opportunity(1))
    poll_once(queue)
    home = SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode="live")
    assert [message.reason for message in filter_held_messages(home)] == ["unknown_organization"]

    assert reprocess_organization(home, Actor("ann")) == 2

    assert outcomes() == [("ignored", "organization_heartbeat"), ("waiting", "")]
    organization_cache.forget(HOME)
    queue.send(heartbeat(at_ms=COMMITTED_MS + MINUTE))
    poll_once(queue)
    assert heard()[0] == SENT + timedelta(minutes=1)
    assert len(outcomes()) == 2
