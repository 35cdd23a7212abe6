"""Sessions of somebody else that hold locks in PostgreSQL: reports, migrations, scripts of people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults import aim

MESSAGES = "passport_events_processedmessage"
RECORDS = "passport_events_salesforcerecord"
ORGANIZATIONS = "passport_events_salesforceorganization"
EFFECTS = "ledger_effect"
BEYOND_TIMEOUT_SECONDS = 14.0
"""RQ stops a job after its time slice and its handler's timeout together."""

_LIVE = "SELECT id, organization_id, record_id FROM {} WHERE due_at IS NOT NULL ORDER BY id LIMIT 200"

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def session(cluster: Cluster) -> Iterator[Connection]:
    """A transaction that is rolled back at the end, and that loses its deadlocks without a word."""
    with (
        aim.database(cluster) as connection,
        suppress(psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable),
        connection.transaction(force_rollback=True),
    ):
        connection.execute("SET LOCAL lock_timeout = '5s'")
        yield connection


def hold_messages(cluster: Cluster, random: Random) -> int:
    """Half of the messages that are to be worked on are locked for seconds."""
    with session(cluster) as connection:
        live = connection.execute(sql.SQL(_LIVE).format(sql.Identifier(MESSAGES))).fetchall()
        _lock(connection, MESSAGES, [row[0] for row in live if random.random() < 0.5])
        cluster.wait(random.uniform(2, 5))
    return 0


def hold_records(cluster: Cluster, random: Random) -> int:
    """Half of the records are locked beyond a lease: their workers look slow, or dead."""
    with session(cluster) as connection:
        rows = connection.execute(
            sql.SQL("SELECT id FROM {} ORDER BY id DESC LIMIT 200").format(sql.Identifier(RECORDS))
        )
        _lock(connection, RECORDS, [pk for (pk,) in rows if random.random() < 0.5])
        cluster.wait(random.uniform(2, 5))
    return 0


def cross_locks(cluster: Cluster, random: Random) -> int:
    """First the message, then its record: the other way round than a worker, so that they deadlock."""
    for _ in range(15):
        with session(cluster) as connection:
            held = connection.execute(
                sql.SQL(
                    "SELECT id, organization_id, record_id FROM {} WHERE status = 'processing'"
                    " ORDER BY id LIMIT 20 FOR NO KEY UPDATE SKIP LOCKED"
                ).format(sql.Identifier(MESSAGES))
            ).fetchall()
            cluster.wait(0.05)
            for _, organization, record in random.sample(held, len(held)):
                connection.execute(
                    sql.SQL(
                        "SELECT id FROM {} WHERE organization_id = %s AND record_id = %s FOR UPDATE"
                    ).format(sql.Identifier(RECORDS)),
                    (organization, record),
                )
        cluster.wait(0.1)
    return 0


def _lock(connection: Connection, table: str, ids: list[int]) -> None:
    connection.execute(
        sql.SQL("SELECT id FROM {} WHERE id = ANY(%s) ORDER BY id FOR UPDATE").format(sql.Identifier(table)),
        (ids,),
    )


def _lock_table(table: str, least: float, most: float) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        with session(cluster) as connection:
            connection.execute(
                sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table))
            )
            cluster.wait(random.uniform(least, most))
        return 0

    return inject


def hold_snapshot(cluster: Cluster, random: Random) -> int:
    """A report that reads everything in one transaction, while tables are vacuumed for nothing."""
    with session(cluster) as connection, aim.database(cluster) as other:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for _ in range(4):
            connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(MESSAGES)))
            other.execute(sql.SQL("VACUUM {}").format(sql.Identifier(MESSAGES)))
            cluster.wait(random.uniform(1, 2))
    return 0


FAULTS = (
    Fault("messages are locked by somebody", "database", hold_messages, scenarios=(9,)),
    Fault("records are locked beyond a lease", "database", hold_records, scenarios=(9, 17)),
    Fault("locks are taken in the other order", "database", cross_locks, weight=2, scenarios=(9,)),
    Fault(
        "the table of organizations is locked",
        "database",
        _lock_table(ORGANIZATIONS, 2, 5),
        scenarios=(9, 37),
    ),
    Fault("the table of messages is locked", "database", _lock_table(MESSAGES, 1, 4), scenarios=(9, 37)),
    Fault(
        "a handler hangs beyond RQ's timeout",
        "database",
        _lock_table(EFFECTS, BEYOND_TIMEOUT_SECONDS, BEYOND_TIMEOUT_SECONDS + 2),
        scenarios=(33,),
    ),
    Fault("a long transaction holds its snapshot", "database", hold_snapshot, scenarios=(39,)),
)
