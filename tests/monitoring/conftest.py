"""What every test of monitoring starts from. Imports are inside: read before Django is set up."""
# ruff: noqa: PLC0415

from __future__ import annotations

import pytest

from tests.receiving.conftest import home, short_timeouts

__all__ = ["home", "short_timeouts"]


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    """Caches, states and what this process received outlive a test's database."""
    from passport_events.monitoring import rollup, sampling
    from passport_events.observing import logs
    from passport_events.receiving import organization_cache

    organization_cache.clear()
    logs._states.clear()
    sampling.ages = sampling.ReceivedAges()
    sampling._limiter.reset()
    rollup._limiter.reset()
