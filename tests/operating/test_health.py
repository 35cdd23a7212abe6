"""Each finding, and each likely cause."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rq import SimpleWorker, Worker

from passport_events.dispatching import hints
from passport_events.models import Heartbeat
from passport_events.operating import flow_operations
from passport_events.operating.audit_log import Actor
from passport_events.operating.finding import Code, Finding
from passport_events.operating.health import check_health, check_poller
from project.embedded import ValkeyServer
from tests.operating.inbox import opportunity, organization, rows

QUEUE = "passport-opportunities"
pytestmark = pytest.mark.django_db


def heartbeat(*, beaten: float = 0, received: float | None = 0, started: float = 3_600) -> None:
    """A poller that did these things so many seconds ago."""
    now = timezone.now()
    Heartbeat.objects.create(
        name="poller a:1",
        kind="poller",
        started_at=now - timedelta(seconds=started),
        beaten_at=now - timedelta(seconds=beaten),
        received_at=None if received is None else now - timedelta(seconds=received),
    )


def finding(name: str) -> Finding:
    return next(each for each in check_health() if each.name == name)


@pytest.fixture
def overdue() -> Any:
    """A message that has been due for two minutes."""
    organization()
    message = opportunity()
    rows(message).update(due_at=timezone.now() - timedelta(seconds=120))
    return message


@pytest.fixture
def worker(redis_server: ValkeyServer) -> Iterator[Worker]:
    """An RQ worker that is registered, and does nothing."""
    queue = hints.get_rq_queue(QUEUE)
    listening = Worker([queue], connection=queue.connection)
    listening.register_birth()  # type: ignore[no-untyped-call]
    yield listening
    listening.register_death()  # type: ignore[no-untyped-call]


def test_a_poller_that_beats_and_receives_is_well() -> None:
    heartbeat()
    assert check_poller().ok


@pytest.mark.parametrize(
    ("poller", "said"),
    [
        ({"beaten": 40}, r"has written its heartbeat for 4\d s"),
        ({"received": 90}, r"has had an answer from SQS for 9\d s"),
        ({"received": None}, "has had an answer from SQS for 60 min"),
    ],
)
def test_a_poller_in_trouble_is_named(poller: dict[str, Any], said: str) -> None:
    heartbeat(**poller)
    found = check_poller()
    assert not found.ok
    assert re.search(said, found.text)


def test_a_poller_in_its_first_long_poll_is_well() -> None:
    heartbeat(received=None, started=10)
    assert check_poller().ok


def test_no_poller_at_all_is_trouble() -> None:
    assert check_poller() == Finding(
        "poller", Code.NO_POLLER, "No poller is running.", "Start it: manage.py poll_sqs."
    )


@pytest.mark.usefixtures("redis_server")
def test_a_queue_without_a_worker_is_trouble_even_when_nothing_waits() -> None:
    found = finding(QUEUE)
    assert (found.ok, found.text) == (False, f"No RQ worker listens on {QUEUE}.")


@pytest.mark.usefixtures("worker")
def test_a_queue_with_a_worker_and_nothing_overdue_is_well() -> None:
    assert finding(QUEUE).ok


@pytest.mark.usefixtures("redis_server", "overdue")
def test_overdue_because_no_worker_listens() -> None:
    found = finding(QUEUE)
    assert found.text == f"Messages are due for 2 min and not claimed: no RQ worker listens on {QUEUE}."
    assert found.hint == f"Start one: manage.py rqworker {QUEUE}."


@pytest.mark.usefixtures("worker", "overdue")
def test_a_worker_that_reads_what_the_queue_writes_leaves_no_finding() -> None:
    hints.send([QUEUE])
    queue = hints.get_rq_queue(QUEUE)
    SimpleWorker([queue], connection=queue.connection, serializer=queue.serializer).work(burst=True)
    assert finding(QUEUE).ok


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("control", ["throttle", "pause"])
def test_what_an_operator_holds_back_is_no_trouble(overdue: Any, ann: Actor, control: str) -> None:
    if control == "throttle":
        flow_operations.limit_rate(None, overdue.organization, ann, "", 1)
    else:
        flow_operations.pause("opportunity", None, ann, "")
    assert finding(QUEUE).ok
