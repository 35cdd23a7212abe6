"""Throttles: so many messages a minute, at no cost in attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from passport_events.dispatching import rate_limits
from passport_events.dispatching.flow_control import RateLimit, Scope
from passport_events.handling.claim import Claim, claim_batch, claim_isolated
from passport_events.handling.locks import RecordLocks
from passport_events.handling.worker import work
from passport_events.models import (
    ActionKind,
    OperatorAction,
    ProcessedMessage,
    SalesforceOrganization,
    Status,
)
from project.embedded import ValkeyServer
from tests.handling.conftest import Statements
from tests.handling.factories import OPPORTUNITIES, an_event, an_organization, stored
from tests.harness.notifications import Notifications

pytestmark = pytest.mark.django_db

TYPES = ["opportunity", "item"]


class Clock:
    """The minute's tenths, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def time(self) -> float:
        """Seconds since 1970."""
        return self.seconds

    def next_window(self) -> None:
        """Move on by a tenth of a minute."""
        self.seconds += rate_limits.WINDOW_SECONDS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stands still until the test moves it."""
    clock = Clock()
    monkeypatch.setattr(rate_limits, "time", clock)
    return clock


def set_throttle(
    per_minute: int, event_type: str = "", organization: SalesforceOrganization | None = None
) -> None:
    OperatorAction.objects.create(
        kind=ActionKind.THROTTLE,
        event_type=event_type,
        organization=organization,
        per_minute=per_minute,
        actor_name="on call",
    )


def some(organization: SalesforceOrganization, count: int, **event: Any) -> list[ProcessedMessage]:
    return stored(*(an_event(organization, number, **event) for number in range(count)))


def types(claim: Claim) -> list[str]:
    return [message.event_type for message in claim.messages]


def test_a_type_gets_a_tenth_of_its_minute_in_each_window(locks: RecordLocks, clock: Clock) -> None:
    some(an_organization(), 50)
    set_throttle(30, "opportunity")

    claims = [len(claim_batch(TYPES, locks).messages) for _ in range(2)]
    clock.next_window()
    claims.append(len(claim_batch(TYPES, locks).messages))

    assert claims == [3, 0, 3]
    assert set(ProcessedMessage.objects.values_list("attempts", flat=True)) == {0}


def test_a_small_rate_is_kept_over_the_minute(locks: RecordLocks, clock: Clock) -> None:
    some(an_organization(), 50)
    set_throttle(7)
    claimed = 0
    for _ in range(10):
        claimed += len(claim_batch(TYPES, locks).messages)
        clock.next_window()

    assert claimed == 7


def test_other_types_and_organizations_are_not_touched(locks: RecordLocks, clock: Clock) -> None:
    home, other = an_organization(1), an_organization(2)
    for organization in (home, other):
        some(organization, 20)
        some(organization, 20, event_type="item")
    set_throttle(10, "item", home)

    claim = claim_batch(TYPES, locks)

    assert len(claim.messages) == 61
    throttled = [m for m in claim.messages if (m.event_type, m.organization_id) == ("item", home.pk)]
    assert len(throttled) == 1


def test_a_throttled_backlog_does_not_hide_what_waits_behind_it(
    locks: RecordLocks, clock: Clock, change_settings: Callable[..., None]
) -> None:
    """Given more throttled messages than a claim takes, the claim after finds the ones of other types."""
    change_settings(BATCH_SIZE=5)
    home = an_organization()
    some(home, 20)
    some(home, 2, event_type="item")
    set_throttle(10, "opportunity")

    first, second = claim_batch(TYPES, locks), claim_batch(TYPES, locks)

    assert (types(first), first.more) == (["opportunity"], True)
    assert (types(second), second.more) == (["item", "item"], False)


def test_a_worker_leaves_when_only_throttled_messages_are_due(
    locks: RecordLocks,
    clock: Clock,
    notifications: Notifications,
    change_settings: Callable[..., None],
    statements: Statements,
) -> None:
    """Given a throttled backlog, when its window is used up, the job ends instead of looking on and on."""
    change_settings(BATCH_SIZE=5)
    some(an_organization(), 50)
    set_throttle(20, "opportunity")

    with statements:
        assert work(OPPORTUNITIES) == 2

    assert ProcessedMessage.objects.filter(status=Status.WAITING).count() == 48
    assert len([sql for sql in statements.data if "operatoraction" in sql]) <= 6
    assert notifications


def test_two_throttles_hold_both(locks: RecordLocks, clock: Clock) -> None:
    home, other = an_organization(1), an_organization(2)
    some(home, 20)
    some(other, 20)
    set_throttle(100)
    set_throttle(20, "", home)

    claim = claim_batch(TYPES, locks)

    assert len([m for m in claim.messages if m.organization_id == home.pk]) <= 2
    assert len(claim.messages) <= 10


def test_rate_limits_apply_to_isolated_messages(locks: RecordLocks, clock: Clock) -> None:
    home = an_organization()
    stored(*(an_event(home, number) for number in range(3)), isolated=True)
    set_throttle(20)

    claims = [len(claim_isolated(TYPES, locks).messages) for _ in range(3)]
    clock.next_window()
    claims.append(len(claim_isolated(TYPES, locks).messages))

    assert claims == [1, 1, 0, 1]


def test_when_redis_was_flushed_one_window_is_let_through_twice(
    locks: RecordLocks, clock: Clock, redis_server: ValkeyServer
) -> None:
    some(an_organization(), 50)
    set_throttle(30)
    claim_batch(TYPES, locks)
    redis_server.flush()

    assert len(claim_batch(TYPES, locks).messages) == 3


def test_without_redis_what_is_throttled_waits_and_the_rest_goes_on(
    locks: RecordLocks, redis_server: ValkeyServer
) -> None:
    home = an_organization()
    some(home, 3)
    some(home, 3, event_type="item")
    set_throttle(600, "opportunity")
    redis_server.kill()

    assert types(claim_batch(TYPES, locks)) == ["item"] * 3


def test_losing_redis_between_two_looks_costs_only_the_wait(
    locks: RecordLocks, redis_server: ValkeyServer
) -> None:
    """Given a throttle that was open a moment ago, when Redis dies, nothing is let through uncounted."""
    messages = some(an_organization(), 3)
    in_force = [RateLimit(1, Scope("opportunity", None), 600)]
    redis_server.kill()

    assert rate_limits.limit_messages(locks.redis, in_force, messages) == []
