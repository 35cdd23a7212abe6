"""Which organization an id belongs to: no query while warm, and never an answer older than 30 seconds."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from passport_events.models import Mode, SalesforceOrganization
from passport_events.receiving import organization_cache
from passport_events.receiving.organization_cache import KnownOrganization
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, organization_id
from tests.receiving.factories import ELSEWHERE, HOME, opportunity, outcomes

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
    monkeypatch.setattr("passport_events.receiving.organization_cache.time.time", clock)
    return clock


def queries(*salesforce_ids: str) -> int:
    """How many queries a look takes."""
    with CaptureQueriesContext(connection) as said:
        organization_cache.lookup(salesforce_ids)
    return len(said)


def mode_seen() -> Mode | None:
    found = organization_cache.lookup([HOME]).get(HOME)
    return found.mode if found else None


def as_another_process_changes(organization: SalesforceOrganization, mode: Mode) -> None:
    """Without the signal that this process would hear."""
    SalesforceOrganization.objects.filter(pk=organization.pk).update(mode=mode)


def test_a_look_answers_with_the_known_ones(home: SalesforceOrganization) -> None:
    assert organization_cache.lookup([HOME, ELSEWHERE]) == {HOME: KnownOrganization(home.pk, HOME, Mode.LIVE)}


def test_many_ids_are_one_query_and_then_none(home: SalesforceOrganization) -> None:
    many = [organization_id(number) for number in range(1, 50)]
    assert [queries(*many), queries(*many), queries(*many[:3])] == [1, 0, 0]


def test_only_the_missing_ones_are_asked_for(home: SalesforceOrganization) -> None:
    organization_cache.lookup([HOME])
    with CaptureQueriesContext(connection) as said:
        organization_cache.lookup([HOME, ELSEWHERE])
    assert HOME not in said[0]["sql"]
    assert ELSEWHERE in said[0]["sql"]


def test_the_first_question_brings_the_others_too_while_they_are_few(
    home: SalesforceOrganization, clock: Clock
) -> None:
    SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    assert organization_cache.lookup([HOME]) == {HOME: KnownOrganization(home.pk, HOME, Mode.LIVE)}
    clock.now += 20
    assert queries(ELSEWHERE) == 0
    clock.now += 10
    assert [queries(ELSEWHERE), queries(HOME)] == [1, 0]


def test_a_process_that_knows_many_asks_for_no_others(
    home: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organization_cache, "MAX_PREFETCH", 1)
    SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    assert [queries(ELSEWHERE), queries(HOME)] == [1, 0]  # the oldest came with it
    SalesforceOrganization.objects.create(salesforce_id=organization_id(3), name="Third", mode="live")
    SalesforceOrganization.objects.create(salesforce_id=organization_id(4), name="Fourth", mode="live")
    assert [queries(organization_id(3)), queries(organization_id(4))] == [1, 1]


def test_a_change_is_seen_within_thirty_seconds(home: SalesforceOrganization, clock: Clock) -> None:
    assert mode_seen() is Mode.LIVE
    as_another_process_changes(home, Mode.OFF)
    clock.now += 24
    assert mode_seen() is Mode.LIVE
    clock.now += 6

    assert mode_seen() is Mode.OFF


def test_save_and_delete_are_seen_at_once_in_this_process(home: SalesforceOrganization) -> None:
    assert mode_seen() is Mode.LIVE
    home.mode = Mode.SHADOW
    home.save()
    assert mode_seen() is Mode.SHADOW
    home.delete()
    assert mode_seen() is None


def test_an_unknown_organization_is_asked_for_again_soon(redis_server: object, clock: Clock) -> None:
    assert queries(HOME) == 1
    clock.now += 4
    assert queries(HOME) == 0
    SalesforceOrganization.objects.bulk_create(
        [SalesforceOrganization(salesforce_id=HOME, name="Home", mode="live")]
    )
    clock.now += 2

    assert mode_seen() is Mode.LIVE


def test_events_of_an_organization_that_is_added_are_taken_at_once(
    redis_server: object, queue: FakeQueue
) -> None:
    queue.send(opportunity(1))
    poll_once(queue)
    SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode="live")
    queue.send(opportunity(2))
    poll_once(queue)

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
    monkeypatch.setattr(organization_cache, "MAX_ENTRIES", 10)
    for number in range(100):
        organization_cache.lookup([organization_id(number)])
    assert len(organization_cache._entries) <= 10


def test_nothing_of_organizations_is_in_the_shared_cache(home: SalesforceOrganization) -> None:
    """Case A4. Whoever else writes to Django's cache can say nothing about organizations."""
    with CaptureQueriesContext(connection) as said:
        mode_seen()
        organization_cache.clear()
        mode_seen()

    assert len(said) == 2
    assert not cache._cache  # type: ignore[attr-defined]  # LocMemCache's


def test_one_schema_of_a_tenant_does_not_see_the_organizations_of_another(
    home: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case A4. Given django-tenants, which switches the schema of a connection, each is asked for itself."""
    monkeypatch.setattr(connections["default"], "schema_name", "one", raising=False)
    assert queries(HOME) == 1
    monkeypatch.setattr(connections["default"], "schema_name", "two", raising=False)
    assert [queries(HOME), queries(HOME)] == [1, 0]
    organization_cache.forget(HOME)
    assert queries(HOME) == 1


class Vanishing(dict[object, object]):
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
    monkeypatch.setattr(organization_cache, "_entries", Vanishing(organization_cache._entries))
    assert mode_seen() is Mode.LIVE
