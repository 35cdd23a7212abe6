"""What the next release leaves in the database and in RQ."""

from __future__ import annotations

from contextlib import closing

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from tests.chaos.faults.releases import QUEUES, TABLES
from tests.chaos.faults.watched import Watched

pytestmark = pytest.mark.postgresql


def test_columns_come_and_go(servers: Watched) -> None:
    def tables() -> set[str]:
        question = (
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'of_the_next_release'"
        )
        with closing(servers.database()) as connection:
            return {table for (table,) in connection.execute(question)}

    assert servers.during("a migration adds columns while everything runs", tables) == [set(TABLES)]
    assert tables() == set()


def test_hints_that_nobody_understands_wait_in_every_queue(servers: Watched) -> None:
    servers.valkey.flush()
    servers.inject("hints of another release wait in every queue")
    with servers.redis() as redis:
        jobs = {name: Queue(name, connection=redis, serializer=JSONSerializer).jobs for name in QUEUES}
    assert {len(found) for found in jobs.values()} == {2}
    assert jobs[QUEUES[0]][1].kwargs == {"of_the_next_release": True}
