"""Which organization an id belongs to: no query while warm, and never an answer older than 30 seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from passport_events import conf
from passport_events.models import Mode, SalesforceOrganization
from passport_events.receiving import organizations
from passport_events.receiving.organizations import KnownOrganization
from passport_events.receiving.poller import poll
from passport_events.testing import FakeQueue, organization_id
from tests.receiving.arranging import ELSEWHERE, HOME, Announcements, opportunity, outcomes

pytestmark = pytest.mark.django_db


class Clock:
    """time.time() as the test wants it."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("passport_events.receiving.organizations.time.time", clock)
    return clock


def queries(*salesforce_ids: str) -> int:
    """How many queries a look takes."""
    with CaptureQueriesContext(connection) as said:
        organizations.lookup(salesforce_ids)
    return len(said)


def mode_seen() -> Mode | None:
    found = organizations.lookup([HOME]).get(HOME)
    return found.mode if found else None


def as_another_process_changes(organization: SalesforceOrganization, mode: Mode) -> None:
    """Without the signal that this process would hear."""
    SalesforceOrganization.objects.filter(pk=organization.pk).update(mode=mode)


def test_a_look_answers_with_the_known_ones(home: SalesforceOrganization) -> None:
    assert organizations.lookup([HOME, ELSEWHERE]) == {HOME: KnownOrganization(home.pk, HOME, Mode.LIVE)}


def test_many_ids_are_one_query_and_then_none(home: SalesforceOrganization) -> None:
    many = [organization_id(number) for number in range(1, 50)]
    assert [queries(*many), queries(*many), queries(*many[:3])] == [1, 0, 0]


def test_only_the_missing_ones_are_asked_for(home: SalesforceOrganization) -> None:
    organizations.lookup([HOME])
    with CaptureQueriesContext(connection) as said:
        organizations.lookup([HOME, ELSEWHERE])
    assert HOME not in said[0]["sql"]
    assert ELSEWHERE in said[0]["sql"]


def test_the_first_question_brings_the_others_too_while_they_are_few(
    home: SalesforceOrganization, clock: Clock
) -> None:
    SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere")
    assert organizations.lookup([HOME]) == {HOME: KnownOrganization(home.pk, HOME, Mode.LIVE)}
    clock.now += 20
    assert queries(ELSEWHERE) == 0
    clock.now += 10
    assert [queries(ELSEWHERE), queries(HOME)] == [1, 0]


def test_a_process_that_knows_many_asks_for_no_others(
    home: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organizations, "FEW", 1)
    SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere")
    assert [queries(ELSEWHERE), queries(HOME)] == [1, 0]  # the oldest came with it
    SalesforceOrganization.objects.create(salesforce_id=organization_id(3), name="Third")
    SalesforceOrganization.objects.create(salesforce_id=organization_id(4), name="Fourth")
    assert [queries(organization_id(3)), queries(organization_id(4))] == [1, 1]


def test_another_process_asks_the_shared_cache_and_not_the_database(home: SalesforceOrganization) -> None:
    organizations.lookup([HOME])
    organizations.forget_local()
    assert (queries(HOME), mode_seen()) == (0, Mode.LIVE)


@pytest.mark.parametrize("process", ["the one that asked", "one that has not asked yet"])
def test_a_change_is_seen_everywhere_within_thirty_seconds(
    home: SalesforceOrganization, clock: Clock, process: str
) -> None:
    assert mode_seen() is Mode.LIVE
    as_another_process_changes(home, Mode.OFF)
    if process == "one that has not asked yet":
        organizations.forget_local()
    clock.now += 24
    assert mode_seen() is Mode.LIVE
    clock.now += 6

    assert mode_seen() is Mode.OFF


def test_copying_from_the_shared_cache_does_not_make_an_answer_younger(
    home: SalesforceOrganization, clock: Clock
) -> None:
    mode_seen()
    as_another_process_changes(home, Mode.OFF)
    for _ in range(3):  # three processes, one after the other, each for as long as it may
        organizations.forget_local()
        clock.now += 10
        last = mode_seen()
    assert last is Mode.OFF


def test_an_old_answer_that_a_slow_process_puts_back_is_not_given_out(
    home: SalesforceOrganization, clock: Clock
) -> None:
    """The race that deleting alone loses: read, save, delete, write back."""
    stale = organizations._from_database([HOME])
    home.mode = Mode.OFF
    home.save()
    clock.now += 26
    organizations._to_cache(stale, 25)

    assert mode_seen() is Mode.OFF


def test_save_and_delete_are_seen_at_once_in_this_process(home: SalesforceOrganization) -> None:
    assert mode_seen() is Mode.LIVE
    home.mode = Mode.SHADOW
    home.save()
    assert mode_seen() is Mode.SHADOW
    home.delete()
    assert mode_seen() is None


def test_save_drops_the_shared_answer_so_that_processes_that_start_now_see_the_change(
    home: SalesforceOrganization,
) -> None:
    mode_seen()
    home.mode = Mode.OFF
    home.save()
    organizations.forget_local()
    assert mode_seen() is Mode.OFF


def test_an_unknown_organization_is_asked_for_again_soon(redis_server: object, clock: Clock) -> None:
    assert queries(HOME) == 1
    clock.now += 4
    assert queries(HOME) == 0
    SalesforceOrganization.objects.bulk_create([SalesforceOrganization(salesforce_id=HOME, name="Home")])
    clock.now += 2

    assert mode_seen() is Mode.LIVE


def test_events_of_an_organization_that_is_added_are_taken_at_once(
    redis_server: object, queue: FakeQueue
) -> None:
    queue.send(opportunity(1))
    poll(queue)
    SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home")
    queue.send(opportunity(2))
    poll(queue)

    assert outcomes() == [("quarantined", "unknown_organization"), ("waiting", "")]


def test_a_clock_that_was_put_back_makes_no_answer_eternal(
    home: SalesforceOrganization, clock: Clock
) -> None:
    mode_seen()
    as_another_process_changes(home, Mode.OFF)
    clock.now -= 3_600
    assert mode_seen() is Mode.OFF


def test_zero_seconds_means_no_cache(home: SalesforceOrganization, settings: Any) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "ORGANIZATION_CACHE_SECONDS": 0}
    assert [queries(HOME), queries(HOME)] == [1, 1]


def test_ids_that_do_not_exist_do_not_fill_the_memory(
    home: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organizations, "MOST_KEPT", 10)
    for number in range(100):
        organizations.lookup([organization_id(number)])
    assert len(organizations._local) <= 10


class BrokenCache:
    """A cache whose server is away."""

    def __getattr__(self, name: str) -> Any:
        raise ConnectionError("no cache")


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as fault:
        fault.setattr(organizations, "_cache", BrokenCache)
        yield


def test_a_cache_that_is_away_costs_a_query_and_stops_neither_receiving_nor_saving(
    home: SalesforceOrganization, queue: FakeQueue, announced: Announcements, no_cache: None
) -> None:
    queue.send(opportunity(1))
    assert poll(queue).new == 1
    home.save()
    assert [queries(HOME), queries(HOME)] == [1, 0]
    assert announced.changes("organization cache") == ["away"]


@pytest.mark.parametrize("value", [None, "text", [1], [0, 1, "a mode of a later release"]])
def test_what_another_release_wrote_into_the_cache_is_read_again_where_it_is_not_understood(
    home: SalesforceOrganization, value: object
) -> None:
    cache.set(organizations._key(HOME), value)
    assert mode_seen() is Mode.LIVE


def test_the_named_cache_is_used(home: SalesforceOrganization, settings: Any) -> None:
    settings.CACHES = {
        **settings.CACHES,
        "shared": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "shared"},
    }
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "ORGANIZATION_CACHE": "shared"}
    assert conf.current().organization_cache == "shared"
    mode_seen()
    assert cache.get(organizations._key(HOME)) is None
    organizations.forget_local()
    assert queries(HOME) == 0


class Vanishing(dict[str, object]):
    """Another thread drops everything right after a test whether a key is there."""

    def __contains__(self, key: object) -> bool:
        """Answer, then forget."""
        answer = super().__contains__(key)
        self.clear()
        return answer


def test_one_thread_may_look_while_another_forgets(
    home: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    mode_seen()
    monkeypatch.setattr(organizations, "_local", Vanishing(organizations._local))
    assert mode_seen() is Mode.LIVE
