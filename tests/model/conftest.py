"""What an example of the model runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from project.embedded import ValkeyServer

if TYPE_CHECKING:
    from tests.model.world import World

SMALL = {
    "BATCH_SIZE": 3,
    "MAX_RETRIES": 2,
    "OWN_CHANGE_ORIGINS": ("us",),
    "JOB_TIME_LIMIT_SECONDS": 600,
    "SQS_WAIT_SECONDS": 0,
}
"""Small numbers, so that few events are enough to meet every limit."""


@pytest.fixture
def make_world(
    redis_server: ValkeyServer, transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], World]]:
    """Called once for each example: empties the servers."""
    # Not above: pytest reads this file before Django has its settings.
    from passport_events.handling import registry  # noqa: PLC0415
    from passport_events.receiving import queries  # noqa: PLC0415
    from tests.model.second_connection import SecondConnection  # noqa: PLC0415
    from tests.model.world import World  # noqa: PLC0415

    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, **SMALL}
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(queries, "LOCK_TIMEOUT", SecondConnection.LOCK_TIMEOUT)
    second_connection = SecondConnection()
    yield lambda: World(redis_server, second_connection)
    second_connection.close()
