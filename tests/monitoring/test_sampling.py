"""What SQS says of its queues: once a minute, whoever asks, by the processes that may."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from passport_events import conf, periodic_tasks
from passport_events.exceptions import QueueUnavailable
from passport_events.instrumentation import Notification
from passport_events.monitoring import sampling
from passport_events.monitoring.minutes import read_claim
from passport_events.monitoring.models import MinuteClaim, QueueSample
from passport_events.receiving.poller import Limits, Poller
from passport_events.receiving.sqs import SqsQueue
from project.embedded import ValkeyServer
from tests.harness import environment
from tests.harness.aws import Sqs
from tests.harness.notifications import Notifications
from tests.receiving.factories import eventually, opportunity
from tests.receiving.redriving import give_up, ingest
from tests.receiving.services import Running

pytestmark = pytest.mark.django_db(transaction=True)


def another_minute() -> None:
    MinuteClaim.objects.all().delete()
    QueueSample.objects.all().delete()


def send(sqs: Sqs, count: int) -> None:
    for number in range(count):
        sqs.topic.publish(Message=json.dumps(opportunity(number)))


def test_a_sample_says_what_is_in_the_queue_and_how_long_it_is_kept(sqs: Sqs) -> None:
    send(sqs, 3)
    sqs.queue.receive_messages(MaxNumberOfMessages=1)
    sqs.queue.set_attributes(Attributes={"MessageRetentionPeriod": "86400"})

    assert sampling.sample(sqs.queue.url)

    sample = QueueSample.objects.get()
    assert (sample.queue, sample.is_dead_letters) == (environment.QUEUE_NAME, False)
    assert (sample.depth, sample.in_flight, sample.delayed) == (2, 1, 0)
    assert (sample.retention_seconds, sample.oldest_seconds) == (86_400, None)


def test_in_one_minute_one_of_many_processes_asks(sqs: Sqs, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    together = threading.Barrier(6)

    def look_together(name: str) -> object:
        found = read_claim(name)
        together.wait(timeout=20)
        return found

    monkeypatch.setattr("passport_events.monitoring.minutes.read_claim", look_together)

    def work() -> None:
        try:
            taken.append(sampling.sample(sqs.queue.url))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    minutes = QueueSample.objects.values_list("minute", flat=True)
    # The clock may have gone on to the next minute between them.
    assert len(taken) == 6
    assert taken.count(True) == len(minutes) == len(set(minutes)) <= 2


def test_a_queue_that_does_not_answer_costs_its_sample_and_nothing_else(sqs: Sqs) -> None:
    sqs.queue.delete()
    with pytest.raises(QueueUnavailable, match="NonExistentQueue"):
        sampling.sample(sqs.queue.url)
    assert not QueueSample.objects.exists()


def test_the_age_is_that_of_the_oldest_that_was_received_since_the_last_sample(sqs: Sqs) -> None:
    now = datetime.now(UTC)
    for minutes in (3, 50, 7):
        sampling.listen(
            Notification.RECEIVED, {"queue": sqs.queue.url, "sent_at": now - timedelta(minutes=minutes)}
        )
    sampling.listen(Notification.RECEIVED, {"queue": sqs.queue.url, "sent_at": None})
    sampling.listen(Notification.RECEIVED, {"queue": "another", "sent_at": now - timedelta(days=1)})

    sampling.sample(sqs.queue.url)

    assert QueueSample.objects.get().oldest_seconds == pytest.approx(3_000, abs=30)
    another_minute()
    sampling.sample(sqs.queue.url)
    assert QueueSample.objects.get().oldest_seconds is None


@pytest.mark.usefixtures("short_timeouts")
def test_a_poller_samples_its_queue_with_the_age_of_what_it_received(
    redis_server: ValkeyServer, sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport_events.monitoring.minutes.MIN_INTERVAL_SECONDS", 0.02)
    send(sqs, 1)
    settings = conf.get_settings()
    service = Poller([lambda: SqsQueue(settings)], limits=Limits())

    with Running(service):
        eventually(QueueSample.objects.exists, seconds=60)
        eventually(lambda: sampling.ages._ages or QueueSample.objects.get().oldest_seconds, seconds=60)

    assert QueueSample.objects.get().queue == environment.QUEUE_NAME


@pytest.mark.usefixtures("short_timeouts")
def test_an_ingester_samples_the_dead_letter_queues_and_not_the_other(
    redis_server: ValkeyServer, sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up(sqs, opportunity(1))
    monkeypatch.setattr("passport_events.receiving.sqs.SqsQueue.delete", _after_a_sample(SqsQueue.delete))

    ingest("--once")

    assert list(QueueSample.objects.values_list("queue", "is_dead_letters")) == [
        (f"{environment.QUEUE_NAME}-dead-letters", True)
    ]


def _after_a_sample(delete: object) -> object:
    def wait_and_delete(self: SqsQueue, messages: list[object]) -> object:
        eventually(QueueSample.objects.exists, seconds=60)
        return delete(self, messages)  # type: ignore[operator]

    return wait_and_delete


def test_nobody_without_a_queue_asks_aws(sqs: Sqs) -> None:
    sampling.tick(())
    periodic_tasks.run()
    assert not QueueSample.objects.exists()


def test_a_chore_that_fails_is_announced_once_and_stops_nothing(
    sqs: Sqs, notifications: Notifications, change_settings: Callable[..., None]
) -> None:
    sqs.queue.delete()
    periodic_tasks.run([sqs.queue.url])
    another_minute()
    sampling._limiter.reset()
    periodic_tasks.run([sqs.queue.url])
    assert notifications.states_of("sampling") == ["away"]
