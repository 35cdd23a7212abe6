"""Hints: one outstanding for each queue, and harmless to lose."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from django.db import transaction
from django_rq import settings
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from passport_events.dispatching import dispatcher, hints
from passport_events.handling import jobs
from passport_events.instrumentation import Notification
from passport_events.redis_store import keys
from project.embedded import ValkeyServer
from tests.handling.factories import OPPORTUNITIES
from tests.harness.notifications import Notifications

ITEMS = "passport-items"


@pytest.fixture
def queue(redis_server: ValkeyServer) -> Queue:
    """The queue of the opportunities, empty."""
    return hints.get_rq_queue(OPPORTUNITIES)


def test_a_burst_makes_one_hint(queue: Queue, notifications: Notifications) -> None:
    sent = [hints.send([OPPORTUNITIES]) for _ in range(100)]

    assert (sum(sent), queue.count) == (1, 1)
    assert [facts for stage, facts in notifications if stage is Notification.HINTED] == [
        {"queue": OPPORTUNITIES}
    ]


def test_queues_are_hinted_at_each_for_itself(queue: Queue) -> None:
    hints.send([OPPORTUNITIES])

    assert hints.send([OPPORTUNITIES, ITEMS]) == 1
    assert (queue.count, hints.get_rq_queue(ITEMS).count) == (1, 1)


def test_a_hint_names_its_queue_and_its_sender_and_nothing_else(queue: Queue) -> None:
    hints.send([OPPORTUNITIES])
    [job] = queue.jobs

    assert (job.func_name, list(job.args), job.kwargs) == (
        hints.JOB,
        [OPPORTUNITIES, keys.get_installation()],
        {},
    )
    assert (job.timeout, job.result_ttl, job.retries_left) == (15 + 120, 0, None)


def test_what_the_hint_names_exists() -> None:
    assert f"{jobs.work_on_queue.__module__}.{jobs.work_on_queue.__qualname__}" == hints.JOB


def test_after_a_few_seconds_a_lost_hint_is_sent_again(queue: Queue) -> None:
    hints.send([OPPORTUNITIES])
    queue.connection.delete(queue.key)
    [flag] = queue.connection.keys("*passport:hint:*")

    assert 0 < queue.connection.ttl(flag) <= hints.FLAG_SECONDS
    queue.connection.delete(flag)  # what the end of those seconds does
    assert hints.send([OPPORTUNITIES]) == 1


def test_without_workers_only_so_many_wait(queue: Queue) -> None:
    """Given no worker for hours, when flags end and hints are sent again, eight are waiting at most."""
    for _ in range(20):
        hints.send([OPPORTUNITIES])
        hints.clear(OPPORTUNITIES)

    assert queue.count == hints.MAX_WAITING


def test_the_job_clears_the_flag_before_it_looks(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a row that is stored while the job looks, its hint is sent."""
    during = []

    def look(name: str) -> int:
        during.append(hints.send([name]))
        return 0

    monkeypatch.setattr(jobs, "work", look)
    monkeypatch.setattr(dispatcher, "tick", lambda: 0)
    hints.send([OPPORTUNITIES])
    jobs.work_on_queue(OPPORTUNITIES)

    assert during == [1]


@pytest.mark.django_db(transaction=True)
def test_a_hint_does_not_wait_for_a_transaction_it_has_nothing_to_do_with(queue: Queue) -> None:
    with transaction.atomic():
        hints.send([OPPORTUNITIES])
        assert queue.count == 1


def test_a_hint_is_json(queue: Queue) -> None:
    assert queue.serializer is JSONSerializer
    assert data(queue)[2] == [OPPORTUNITIES, keys.get_installation()]


def test_a_hint_is_json_whatever_the_settings_say(
    redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case B6. Given a queue with RQ's default serializer, which is pickle, nothing is pickled for it."""
    monkeypatch.setitem(settings.QUEUES, "pickled", {"URL": redis_server.url})
    try:
        assert data(hints.get_rq_queue("pickled"))[2] == ["pickled", keys.get_installation()]
    finally:
        hints.get_rq_queue.cache_clear()


def data(queue: Queue) -> Any:
    hints.send([queue.name])
    [name] = queue.job_ids
    raw: Any = queue.connection.hget(f"rq:job:{name}", "data")
    return json.loads(zlib.decompress(raw))


def test_nothing_fails_and_it_is_announced_away_and_back(
    queue: Queue, redis_server: ValkeyServer, notifications: Notifications
) -> None:
    redis_server.kill()
    assert hints.send([OPPORTUNITIES]) == 0
    hints.clear(OPPORTUNITIES)
    redis_server.start()
    assert hints.send([OPPORTUNITIES]) == 1

    changes = [facts for stage, facts in notifications if stage is Notification.STATE_CHANGED]
    states = [facts["state"] for facts in changes if facts["what"] == "redis"]
    assert states == ["away", "away", "here"]
    assert queue.count == 1


def test_a_flushed_redis_is_hinted_at_again_at_once(queue: Queue, redis_server: ValkeyServer) -> None:
    hints.send([OPPORTUNITIES])
    redis_server.flush()

    assert hints.send([OPPORTUNITIES]) == 1
    assert queue.count == 1


def test_queues_of_one_redis_share_one(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given hints that are outstanding already, asking for all queues is one round trip."""
    names = [OPPORTUNITIES, ITEMS, "passport-attachments"]
    hints.send(names)
    made = []
    pipeline = Redis.pipeline

    def count(self: Redis, *arguments: Any, **options: Any) -> Any:
        made.append(1)
        return pipeline(self, *arguments, **options)

    monkeypatch.setattr(Redis, "pipeline", count)
    assert hints.send(names) == 0

    assert len(made) == 1
    assert queue.count == 1


def test_two_databases_of_one_server_do_not(
    queue: Queue, redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.QUEUES, "elsewhere", {"URL": redis_server.url.replace("/0", "/1")})
    try:
        assert hints.send([OPPORTUNITIES, "elsewhere"]) == 2
        assert (queue.count, hints.get_rq_queue("elsewhere").count) == (1, 1)
        assert hints.get_connection("elsewhere").dbsize() > 0
    finally:
        hints.get_rq_queue.cache_clear()


def test_the_cached_connection_survives_a_restart(queue: Queue, redis_server: ValkeyServer) -> None:
    hints.send([OPPORTUNITIES])
    redis_server.restart()

    assert (hints.send([OPPORTUNITIES]), queue.count) == (1, 1)
