"""The same findings for django-health-check."""

from __future__ import annotations

import pytest
from django.utils import timezone
from health_check.exceptions import ServiceUnavailable

from passport_events.models import Heartbeat
from passport_events.operating.health_checks import (
    DeadLetterQueuesEmpty,
    NothingFailed,
    PollerAlive,
    RowsClaimed,
)
from project.embedded import ValkeyServer
from tests.harness.aws import Sqs
from tests.operating.inbox import letters

pytestmark = pytest.mark.django_db


def test_no_poller_is_unavailable_with_the_way_out() -> None:
    with pytest.raises(ServiceUnavailable, match=r"No poller is running\. Start it: manage\.py poll_sqs\."):
        PollerAlive().run()


def test_a_poller_that_is_alive_says_nothing() -> None:
    now = timezone.now()
    Heartbeat.objects.create(name="a", kind="poller", started_at=now, beaten_at=now, received_at=now)
    PollerAlive().run()


def test_queues_without_workers_are_unavailable(redis_server: ValkeyServer) -> None:
    with pytest.raises(ServiceUnavailable, match="No RQ worker listens on passport-items"):
        RowsClaimed().run()


def test_redis_that_is_away_is_unavailable(redis_server: ValkeyServer) -> None:
    redis_server.kill()
    with pytest.raises(ServiceUnavailable, match="Redis cannot be asked"):
        RowsClaimed().run()


def test_dead_letters_are_unavailable(redis_server: ValkeyServer) -> None:
    letters(2)
    with pytest.raises(ServiceUnavailable, match="2 dead letters"):
        NothingFailed().run()


def test_a_dead_letter_queue_that_is_not_empty_is_unavailable(sqs: Sqs) -> None:
    sqs.dead_letter_queue.send_message(MessageBody="{}")
    with pytest.raises(ServiceUnavailable, match="1 messages are in this dead letter queue"):
        DeadLetterQueuesEmpty().run()
