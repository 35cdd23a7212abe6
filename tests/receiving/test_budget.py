"""What a warm poll of ten may cost: four statements, two requests to SQS, one round trip to Redis.

Where there are organization heartbeats in it, a fifth.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from redis.connection import AbstractConnection

from passport_events import conf
from passport_events.models import SalesforceOrganization
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from passport_events.testing import FakeQueue, organization_id, sns_notification
from passport_events.testing.factories import COMMITTED_MS
from tests.harness.aws import BUCKET, Sqs
from tests.receiving.factories import ELSEWHERE, HOME, heartbeat, opportunities, opportunity
from tests.receiving.pointing import pointer

pytestmark = pytest.mark.django_db(transaction=True)

TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET LOCAL")
WARM_UP = [opportunity(1_000), opportunity(1_001, organization=ELSEWHERE)]


class Statements(CaptureQueriesContext):
    """The statements of a connection, without transaction control."""

    @property
    def texts(self) -> list[str]:
        """As sent."""
        texts = [query["sql"] for query in self.captured_queries]
        return [text for text in texts if not text.startswith(TRANSACTION_CONTROL)]


@pytest.fixture(autouse=True)
def _pointers_are_on(settings: Settings) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_BUCKETS": [BUCKET]}


@pytest.fixture
def redis_round_trips(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each time that something is sent to Redis and an answer awaited."""
    sent: list[object] = []
    send: Any = AbstractConnection.send_packed_command

    def counted(self: Any, command: Any, *arguments: Any, **options: Any) -> None:
        sent.append(command)
        send(self, command, *arguments, **options)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)
    return sent


def ten(make: Callable[[int], Any]) -> Callable[[], list[Any]]:
    return lambda: [make(number) for number in range(10)]


def a_mixture() -> Iterator[Any]:
    yield WARM_UP[0]
    yield from (opportunity(number) for number in range(3))
    yield opportunity(0, "another name under the same key")
    yield opportunities(range(10, 15))
    yield opportunity(2_000, organization=ELSEWHERE)
    yield b"no event"
    yield sns_notification(opportunity(3_000))
    yield sns_notification("no event either")


@pytest.mark.parametrize(
    ("bodies", "cost"),  # in statements, and in round trips to Redis
    [
        pytest.param(ten(opportunity), (4, 1), id="new"),
        pytest.param(
            ten(lambda number: opportunities([number, 100 + number, 200 + number])), (4, 1), id="merged"
        ),
        pytest.param(ten(lambda _: WARM_UP[0]), (1, 0), id="known"),
        pytest.param(ten(lambda number: b"no event %d" % number), (4, 0), id="quarantined"),
        pytest.param(
            ten(lambda number: opportunity(number, organization=ELSEWHERE)), (4, 0), id="unknown organization"
        ),
        pytest.param(
            ten(lambda number: sns_notification(json.dumps(pointer(f"k{number}")))), (4, 1), id="large"
        ),
        pytest.param(lambda: list(a_mixture()), (5, 1), id="mixture, and two meanings of one key"),
    ],
)
def test_a_warm_poll_of_ten_keeps_its_budget(
    home: SalesforceOrganization,
    queue: FakeQueue,
    redis_round_trips: list[object],
    bodies: Callable[[], list[Any]],
    cost: tuple[int, int],
) -> None:
    for body in WARM_UP:
        queue.send(body)
    poll_once(queue)
    for body in bodies():
        queue.send(body)
    queue.requests = 0
    redis_round_trips.clear()

    with Statements(connection) as said:
        assert poll_once(queue).received == 10

    assert (len(said.texts), len(redis_round_trips)) == cost, said.texts
    assert not any("salesforceorganization" in text for text in said.texts)
    assert queue.requests == 2
    assert queue.bodies == []


@pytest.mark.parametrize(
    ("organization_of", "beats", "cost"),
    [
        pytest.param(lambda _: HOME, 10, 1, id="ten heartbeats of one organization"),
        pytest.param(
            lambda number: organization_id(10 + number), 10, 1, id="heartbeats of ten organizations"
        ),
        pytest.param(lambda number: organization_id(10 + number), 1, 5, id="one heartbeat and nine events"),
        pytest.param(lambda _: ELSEWHERE, 10, 1, id="of an organization that was kept as unknown"),
    ],
)
def test_heartbeats_cost_one_statement_more_for_all(
    home: SalesforceOrganization,
    queue: FakeQueue,
    organization_of: Callable[[int], str],
    beats: int,
    cost: int,
) -> None:
    many = [organization_id(number) for number in range(11, 21)]
    for organization in many:
        SalesforceOrganization.objects.create(salesforce_id=organization, name=organization, mode="live")
    for body in (*WARM_UP, *map(heartbeat, (HOME, ELSEWHERE, *many))):
        queue.send(body)
    while queue.bodies:
        poll_once(queue)
    for number in range(1, 11):
        minute = COMMITTED_MS + 60_000 * number
        queue.send(heartbeat(organization_of(number), minute) if number <= beats else opportunity(number))
    queue.requests = 0

    with Statements(connection) as said:
        assert poll_once(queue).received == 10

    assert len(said.texts) == cost, said.texts
    assert queue.requests == 2
    assert queue.bodies == []


def test_a_cold_poll_asks_once_for_all_its_organizations(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    for number in range(10):
        queue.send(opportunity(number, organization=ELSEWHERE if number % 2 else home.salesforce_id))

    with Statements(connection) as said:
        poll_once(queue)

    assert sum("salesforceorganization" in text for text in said.texts) == 1
    assert len(said.texts) == 5


def test_boto3_sends_one_receive_and_one_delete(home: SalesforceOrganization, sqs: Sqs) -> None:
    for number in range(10):
        sqs.topic.publish(Message=json.dumps(opportunity(number)))
    queue = SqsQueue(conf.get_settings())
    requests: list[str] = []
    for client in (queue._polling._client, queue._deleting._client):
        client.meta.events.register(
            "before-send.sqs", lambda request, **_: requests.append(request.headers["X-Amz-Target"])
        )

    assert poll_once(queue).left == 0

    assert requests == ["AmazonSQS.ReceiveMessage", "AmazonSQS.DeleteMessageBatch"]
