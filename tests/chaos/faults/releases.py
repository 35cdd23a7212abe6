"""Half of a deploy: what the next release brings, while this one still runs.

Simulated. A process of an older release would be the honest thing, but before the first release there
is none, and an older commit has bugs that are mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from random import Random

import psycopg
from psycopg import sql
from rq import Queue
from rq.serializers import JSONSerializer

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault
from tests.chaos.faults import aim

QUEUES = ("passport-opportunities", "passport-attachments", "passport-items")
TABLES = (
    "passport_events_delivery",
    "passport_events_processedmessage",
    "passport_events_messageattempt",
    "passport_events_salesforcerecord",
)
_COLUMN = "of_the_next_release"


def migrate(cluster: Cluster, random: Random) -> int:
    """Every busy table gets a column that must not be empty, and that nobody who runs knows of."""
    with aim.database(cluster) as database, _column(database):
        cluster.wait(random.uniform(2, 4))
    return 0


@contextmanager
def _column(database: psycopg.Connection) -> Iterator[None]:
    try:
        for table in TABLES:
            _alter(
                database,
                table,
                sql.SQL("ADD COLUMN {} text NOT NULL DEFAULT ''").format(sql.Identifier(_COLUMN)),
            )
        yield
    finally:
        for table in TABLES:
            _alter(database, table, sql.SQL("DROP COLUMN IF EXISTS {}").format(sql.Identifier(_COLUMN)))


def _alter(database: psycopg.Connection, table: str, change: sql.Composable) -> None:
    """In one short transaction each, as a careful migration does; it waits as long as it has to."""
    database.execute(sql.SQL("ALTER TABLE {} ").format(sql.Identifier(table)) + change)


def send_unknown_hints(cluster: Cluster, random: Random) -> int:
    """RQ jobs of functions that this release does not have, or has with fewer arguments."""
    with closing(cluster.redis()) as redis:
        for name in QUEUES:
            queue = Queue(name, connection=redis, serializer=JSONSerializer)
            queue.enqueue("passport_events.handling.jobs.work_on_everything", name)
            queue.enqueue("passport_events.handling.jobs.work_on_queue", name, of_the_next_release=True)
    return 0


FAULTS = (
    Fault("a migration adds columns while everything runs", "release", migrate, scenarios=(36, 37)),
    Fault("hints of another release wait in every queue", "release", send_unknown_hints, scenarios=(36,)),
)
