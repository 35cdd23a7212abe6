"""Real servers, and the tables; `test_processes` starts the processes too."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

import pytest

from tests.chaos.faults.watched import Watched, eventually
from tests.chaos.producer import Producer

_PR_SET_CHILD_SUBREAPER = 36


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
    """A cluster without processes. Its database has messages of every kind."""
    with Watched(tmp_path_factory.mktemp("servers")) as cluster:
        cluster.furnish()
        yield cluster


@pytest.fixture(scope="package")
def pipeline(own_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A cluster of its own whose processes run and have something to do."""
    with Watched(tmp_path_factory.mktemp("pipeline")) as cluster:
        cluster.furnish()
        cluster.start_processes()
        eventually(lambda: cluster.is_ready, seconds=120)
        producer = Producer(
            cluster.sqs.endpoint_url,
            cluster.topic_arn,
            cluster.directory / "published.jsonl",
            seed=0,
            chapters=100,  # more than any machine needs time for
            seconds=2_500,
            backlog=lambda: 0,
        )
        producer.start()
        yield cluster
        producer.stop()
