"""Real servers, and the tables; `test_processes` starts the processes too."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

import pytest

from tests.chaos.faults.watched import Watched

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
