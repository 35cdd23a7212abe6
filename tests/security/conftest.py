"""What every test of security starts from. Imports are inside: read before Django is set up."""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.conftest import login

if TYPE_CHECKING:
    from project.embedded import ValkeyServer
    from tests.security.world import World

__all__ = ["login"]


@pytest.fixture(autouse=True)
def _fresh_caches() -> None:
    """Caches outlive a test's database."""
    from passport_events.receiving import organization_cache

    organization_cache.clear()


@pytest.fixture
def world(db: None, redis_server: ValkeyServer) -> World:
    """A row of every kind, each with a primary key above a million."""
    from tests.security.world import build

    return build()
