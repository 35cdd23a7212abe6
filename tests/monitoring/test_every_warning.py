"""Each warning of the dashboard: a fault in a stack that is well brings it alone, and mending ends it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from pytest_django.fixtures import Settings

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.models import Mode, SalesforceOrganization
from passport_events.monitoring import sampling
from passport_events.monitoring.dashboard import read_dashboard
from passport_events.monitoring.dashboard.warnings import DashboardWarning, WarningCode, find_warnings
from passport_events.monitoring.models import MinuteClaim, QueueSample
from passport_events.monitoring.rollup import FIGURES_CLAIM, update_outages
from project.embedded import ValkeyServer
from tests.harness.aws import Sqs
from tests.monitoring.past import begin_at, count, go_on, this_minute
from tests.operating.inbox import organization
from tests.operating.stack import OPPORTUNITIES, Stack, age, broken
from tests.operating.test_passport_command import passport

pytestmark = pytest.mark.django_db(transaction=True)
Case = Iterator[None]
CASES: dict[WarningCode, Callable[[Given], Case]] = {}
HOUR = timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Given:
    """What a case works with."""

    stack: Stack
    settings: Settings


def case(code: WarningCode) -> Callable[[Callable[[Given], Case]], None]:
    def note(function: Callable[[Given], Case]) -> None:
        CASES[code] = function

    return note


@pytest.fixture
def given(redis_server: ValkeyServer, sqs: Sqs, settings: Settings) -> Given:
    organization()
    sample()
    count()
    return Given(Stack(redis_server, sqs), settings)


def sample() -> None:
    """As a poller and an ingester do, whether somebody did in this minute or not."""
    MinuteClaim.objects.filter(name__startswith="sample of ").delete()
    QueueSample.objects.filter(minute=this_minute()).delete()
    settings = conf.get_settings()
    for url in (settings.queue_url, *settings.dead_letter_queue_urls):
        sampling.sample(url)


def said() -> dict[WarningCode, DashboardWarning]:
    return {warning.code: warning for warning in find_warnings(read_dashboard())}


def test_every_warning_has_a_case() -> None:
    assert set(CASES) == set(WarningCode)


@pytest.mark.parametrize("code", WarningCode)
def test_a_fault_has_its_warning_and_no_other_until_it_is_mended(code: WarningCode, given: Given) -> None:
    assert said() == {}
    with broken(CASES[code](given)):
        assert set(said()) == {code}
    assert said() == {}


@case(WarningCode.NO_POLLER)
def _(given: Given) -> Case:
    age(timedelta(seconds=40))
    yield
    given.stack.beat()


@case(WarningCode.NO_WORKER)
def _(given: Given) -> Case:
    given.stack.stop_worker(OPPORTUNITIES)
    assert "rqworker passport-opportunities" in said()[WarningCode.NO_WORKER].text
    yield
    given.stack.register_worker(OPPORTUNITIES)


@case(WarningCode.REDIS_AWAY)
def _(given: Given) -> Case:
    given.stack.valkey.kill()
    yield
    given.stack.valkey.start()
    given.stack.register_workers()


@case(WarningCode.NOT_SAMPLED)
def _(given: Given) -> Case:
    QueueSample.objects.all().delete()
    yield
    sample()


@case(WarningCode.SAMPLE_OLD)
def _(given: Given) -> Case:
    # Of a queue that was not empty then: what is so old is not told as if it were so now.
    QueueSample.objects.update(minute=F("minute") - 45, depth=7)
    yield
    sample()


@case(WarningCode.DEAD_LETTER_QUEUE)
def _(given: Given) -> Case:
    given.stack.sqs.dead_letter_queue.send_message(MessageBody="x")
    sample()
    yield
    assert passport("ingest-dlq", "--once")[0] == 0
    sample()


@case(WarningCode.FORGOTTEN_SOON)
def _(given: Given) -> Case:
    [url] = conf.get_settings().dead_letter_queue_urls
    given.stack.sqs.dead_letter_queue.send_message(MessageBody="x")
    sample()
    retention = QueueSample.objects.get(is_dead_letters=True).retention_seconds
    sampling.ages.note(url, retention - 7_200)
    sample()
    yield
    assert passport("ingest-dlq", "--once")[0] == 0
    sample()


@case(WarningCode.NOT_COUNTED)
def _(given: Given) -> Case:
    MinuteClaim.objects.filter(name=FIGURES_CLAIM).delete()
    yield
    count()


@case(WarningCode.COUNT_OLD)
def _(given: Given) -> Case:
    begin_at(this_minute() - 10)
    yield
    go_on()


def _heard(ago: timedelta) -> None:
    time = ClockTimestamp() - ago
    SalesforceOrganization.objects.update(heartbeat_sent_at=time, heartbeat_received_at=time)
    update_outages()


@case(WarningCode.ORGANIZATION_SILENT)
def _(given: Given) -> Case:
    _heard(HOUR)
    yield
    _heard(timedelta(0))


def test_an_organization_that_was_turned_off_is_no_warning(given: Given) -> None:
    _heard(HOUR)
    SalesforceOrganization.objects.update(mode=Mode.OFF)
    assert said() == {}


def test_a_queue_that_the_settings_name_no_more_is_no_warning(given: Given) -> None:
    QueueSample.objects.update(minute=F("minute") - 45)
    before: dict[str, Any] = given.settings.PASSPORT_EVENTS
    given.settings.PASSPORT_EVENTS = {**before, "DEAD_LETTER_QUEUE_URLS": []}
    sample()
    assert said() == {}


def test_a_redis_in_which_others_write_is_a_warning(given: Given) -> None:
    redis = given.stack.workers[OPPORTUNITIES].connection
    redis.delete("rq:workers:passport-opportunities")
    redis.set("rq:workers:passport-opportunities", "garbage")
    assert set(said()) == {WarningCode.REDIS_AWAY}


def test_a_heartbeat_ahead_of_the_clock_says_nothing_about_now(given: Given) -> None:
    """Written before a failover to a database whose clock is behind; health judges it alike."""
    age(-timedelta(minutes=2))

    assert WarningCode.NO_POLLER in said()
