"""What cannot be locked while somebody holds it, and can afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest
from psycopg import sql

from tests.chaos.faults import locks
from tests.chaos.faults.watched import Watched

pytestmark = pytest.mark.postgresql


def rows(cluster: Watched, question: str) -> list[tuple[int, ...]]:
    with closing(cluster.database()) as connection, connection.transaction():
        return connection.execute(question.encode()).fetchall()


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (
            "messages are locked by somebody",
            "SELECT id FROM passport_events_processedmessage WHERE due_at IS NOT NULL FOR UPDATE SKIP LOCKED",
        ),
        (
            "records are locked beyond a lease",
            "SELECT id FROM passport_events_salesforcerecord FOR UPDATE SKIP LOCKED",
        ),
    ],
)
def test_half_of_the_rows_are_locked(servers: Watched, fault: str, wanted: str) -> None:
    def free() -> int:
        return len(rows(servers, wanted))

    everything = free()
    (while_locked,) = servers.during(fault, free)
    assert 0 < while_locked < everything
    assert free() == everything


@pytest.mark.parametrize(
    ("fault", "table"),
    [
        ("the table of organizations is locked", locks.ORGANIZATIONS),
        ("the table of messages is locked", locks.MESSAGES),
        ("a handler hangs beyond RQ's timeout", locks.EFFECTS),
    ],
)
def test_a_whole_table_cannot_even_be_read(servers: Watched, fault: str, table: str) -> None:
    def read() -> str:
        try:
            with closing(servers.database()) as connection:
                connection.execute("SET lock_timeout = '50ms'")
                connection.execute(sql.SQL("TABLE {} LIMIT 1").format(sql.Identifier(table)))
        except psycopg.errors.LockNotAvailable:
            return "locked"
        return "read"

    assert servers.during(fault, read) == ["locked"]
    assert read() == "read"


def test_who_locks_the_record_first_and_then_the_message_meets_a_deadlock(servers: Watched) -> None:
    (message, organization, record) = rows(
        servers,
        "UPDATE passport_events_processedmessage SET status = 'processing', lease_token = gen_random_uuid()"
        " WHERE id = (SELECT min(id) FROM passport_events_processedmessage WHERE status = 'waiting')"
        " RETURNING id, organization_id, record_id",
    )[0]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = rows(servers, deadlocks)
    is_holding = threading.Event()

    def work() -> None:
        with closing(servers.database()) as connection, connection.transaction():
            connection.execute(
                "SELECT id FROM passport_events_salesforcerecord"
                " WHERE organization_id = %s AND record_id = %s FOR UPDATE",
                (organization, record),
            )
            is_holding.set()
            connection.execute(
                "UPDATE passport_events_processedmessage SET reason = '' WHERE id = %s", (message,)
            )

    worker = threading.Thread(target=lambda: _until_it_ends(work))

    def begin() -> None:
        if not worker.ident:
            worker.start()
            assert is_holding.wait(5)

    servers.during("locks are taken in the other order", begin)
    worker.join()
    assert rows(servers, deadlocks) > before


def _until_it_ends(work: Callable[[], None]) -> None:
    """Either of the two may be the one that PostgreSQL ends."""
    try:
        work()
    except psycopg.errors.DeadlockDetected:
        work()


def test_a_snapshot_is_held(servers: Watched) -> None:
    def horizons() -> int:
        held = "SELECT pid FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
        return len(rows(servers, held))

    assert set(servers.during("a long transaction holds its snapshot", horizons)) == {1}
    assert horizons() == 0
