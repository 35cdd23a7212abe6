"""A world for each test: an organization, an empty queue with a short memory, and no process left over.

pytest may read this file before Django is set up, so what needs models is imported where it is used.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from project.embedded import ValkeyServer
from tests.crashes.fork_server import ForkServer
from tests.harness.aws import Moto, Sqs

if TYPE_CHECKING:
    from tests.crashes.world import World

VISIBILITY_SECONDS = "1"
"""What a dead poller had received comes back after so long."""


@pytest.fixture(scope="session")
def fork_server(_moto: Moto) -> Iterator[ForkServer]:
    """It needs the ports of all servers."""
    fork_server = ForkServer()
    yield fork_server
    fork_server.close()


@pytest.fixture
def world(
    transactional_db: None, redis_server: ValkeyServer, sqs: Sqs, fork_server: ForkServer, tmp_path: Path
) -> Iterator[World]:
    """Nothing has happened yet."""
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    from passport_events.models import SalesforceOrganization
    from passport_events.receiving import organization_cache
    from tests.crashes.world import HOME, World

    organization_cache.clear()
    SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode="live")
    sqs.queue.set_attributes(Attributes={"VisibilityTimeout": VISIBILITY_SECONDS})
    world = World(sqs, tmp_path, fork_server)
    yield world
    world.kill_all()
