"""What every test of receiving starts from: one organization, an empty queue, nothing remembered.

pytest may read this file before Django is set up, so what needs models is imported where it is used.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from project.embedded import ValkeyServer

if TYPE_CHECKING:
    from passport_events.models import SalesforceOrganization
    from passport_events.testing import FakeQueue


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    """Caches and states outlive a test's database."""
    from passport_events.observing import logs
    from passport_events.receiving import organization_cache

    organization_cache.clear()
    logs._states.clear()


@pytest.fixture
def home(redis_server: ValkeyServer) -> SalesforceOrganization:
    """The organization that the events of these tests belong to, and an empty Redis."""
    from passport_events.models import SalesforceOrganization
    from tests.receiving.factories import HOME

    return SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode="live")


@pytest.fixture
def queue() -> FakeQueue:
    """An empty queue."""
    from passport_events.testing import FakeQueue

    return FakeQueue()


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A service whose beats, ticks and pauses are milliseconds."""
    monkeypatch.setattr("passport_events.receiving.poller.BEAT_SECONDS", 0.04)
    monkeypatch.setattr("passport_events.dispatching.dispatcher.TICK_SECONDS", 0.02)
    monkeypatch.setattr("passport_events.processes.backoff.MIN_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("passport_events.processes.backoff.MAX_PAUSE_SECONDS", 0.04)
    settings.PASSPORT_EVENTS = {
        **settings.PASSPORT_EVENTS,
        "SQS_WAIT_SECONDS": 0,
        "MAX_CONSECUTIVE_ERRORS": 1_000,
    }
