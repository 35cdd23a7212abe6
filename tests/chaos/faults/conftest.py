"""Real servers, with something in their tables; and the processes, for the tests that need them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.faults.watched import Watched, eventually
from tests.chaos.producer import Producer

_PR_SET_CHILD_SUBREAPER = 36


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need the processes come last, because the others want the servers for themselves."""
    here = [item for item in items if item.path.parent == Path(__file__).parent]
    in_order = iter(sorted(here, key=lambda item: "pipeline" in getattr(item, "fixturenames", ())))
    items[:] = [next(in_order) if item in here else item for item in items]


@pytest.fixture(scope="package")
def own_environment() -> Iterator[None]:
    """A cluster takes this process for its own: what it changes is as it was afterwards."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.fixture(scope="package")
def servers(own_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A cluster whose database has messages of every kind, and whose processes do not run yet."""
    with Watched(tmp_path_factory.mktemp("servers")) as cluster:
        cluster.furnish()
        yield cluster


@pytest.fixture(scope="package")
def pipeline(servers: Watched) -> Iterator[Watched]:
    """The same cluster with its processes, and with events that keep coming."""
    servers.start_processes()
    eventually(lambda: servers.is_ready, seconds=120)
    producer = Producer(
        servers.sqs.endpoint_url,
        servers.topic_arn,
        servers.directory / "published.jsonl",
        seed=0,
        chapters=100,  # more than any machine needs time for
        seconds=2_500,
        backlog=lambda: 0,
    )
    producer.start()
    yield servers
    producer.stop()
