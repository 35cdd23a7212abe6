"""What tests of operating share. Imports are inside: a conftest is read before Django is set up."""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from passport_events.operating.audit_log import Actor


@pytest.fixture(autouse=True)
def _fresh_organizations() -> None:
    """Organizations are cached in this process; those of other tests are gone from the database."""
    from passport_events.receiving import organization_cache

    organization_cache.clear()


@pytest.fixture
def ann() -> Actor:
    """An operator without a user."""
    from passport_events.operating.audit_log import Actor

    return Actor("ann")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Actions of two messages a step."""
    from passport_events.operating import runner

    monkeypatch.setattr(runner, "MAX_STEP_MESSAGES", 2)
