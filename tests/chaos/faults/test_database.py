"""What PostgreSQL says while something is wrong with it, and that it is well afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from project.demo.processes import children_of
from project.embedded import LOOPBACK
from tests.chaos.faults import wire
from tests.chaos.faults.watched import Watched, eventually, state
from tests.chaos.faults.wire import Words

pytestmark = pytest.mark.postgresql

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def table(servers: Watched) -> Iterator[None]:
    """An empty one. Whoever makes it may be thrown out before it is dropped."""
    assert ask(servers, "CREATE TABLE things (number int, text text)") == "fine"
    yield
    assert ask(servers, "DROP TABLE things") == "fine"


def says(what: Callable[[], object]) -> str:
    """The name of the error, or `fine`."""
    try:
        what()
    except psycopg.Error as error:
        return type(error).__name__
    return "fine"


def ask(cluster: Watched, *statements: str) -> str:
    """What a session of its own is told, which ends with a commit."""

    def session() -> None:
        with closing(cluster.database()) as connection, connection.transaction():
            for statement in statements:
                connection.execute(statement.encode())

    return says(session)


@pytest.mark.parametrize(
    ("fault", "statements", "error"),
    [
        ("PostgreSQL is killed and recovers", ["SELECT 1"], "OperationalError"),
        ("PostgreSQL is read-only", ["INSERT INTO things VALUES (1)"], "ReadOnlySqlTransaction"),
        ("PostgreSQL gives no statement more than 3 ms", ["SELECT pg_sleep(0.1)"], "QueryCanceled"),
        ("PostgreSQL ends transactions that idle", ["SELECT 1"], "IdleInTransactionSessionTimeout"),
        ("PostgreSQL has no connections left", ["SELECT 1"], "OperationalError"),
    ],
)
def test_a_session_is_refused_what_is_allowed_afterwards(
    servers: Watched, table: None, fault: str, statements: list[str], error: str
) -> None:
    def look() -> str:
        if "idle" not in fault:
            return ask(servers, *statements)
        with closing(servers.database()) as idle:
            idle.execute("BEGIN")
            threading.Event().wait(0.2)
            return says(lambda: idle.execute("SELECT 1"))

    seen = servers.during(fault, look)
    assert error in seen
    assert ask(servers, *statements, "INSERT INTO things VALUES (2)") == "fine"


def test_a_lock_is_not_waited_for(servers: Watched, table: None) -> None:
    def look() -> str:
        with closing(servers.database()) as holder, holder.transaction():
            holder.execute("LOCK TABLE things")
            return ask(servers, "INSERT INTO things VALUES (1)")

    assert servers.during("PostgreSQL gives no lock more than 3 ms", look) == ["LockNotAvailable"]


def test_every_transaction_is_serializable(servers: Watched) -> None:
    def level() -> str:
        with closing(servers.database()) as connection:
            return str(connection.execute("SHOW transaction_isolation").fetchone())

    assert servers.during("PostgreSQL serializes every transaction", level) == ["('serializable',)"]
    assert level() == "('read committed',)"


@pytest.mark.parametrize(
    "fault", ["PostgreSQL is restarted", "a PostgreSQL backend crashes", "PostgreSQL throws everybody out"]
)
def test_sessions_end_and_new_ones_are_welcome(servers: Watched, fault: str) -> None:
    with closing(servers.database()) as there:
        there.execute("SELECT 1")
        servers.inject(fault)
        assert says(lambda: there.execute("SELECT 1")) != "fine"
    eventually(lambda: ask(servers, "SELECT 1") == "fine")


def test_a_backend_stands_still_and_goes_on(servers: Watched) -> None:
    with closing(servers.database()) as there:
        there.execute("BEGIN")
        servers.during(
            "a PostgreSQL backend stands still",
            lambda: eventually(lambda: len(_standing_still(servers)) == 1),
        )
        eventually(lambda: _standing_still(servers) == [])
        assert says(lambda: there.execute("SELECT 1")) == "fine"


def _standing_still(cluster: Watched) -> list[int]:
    return [pid for pid in children_of(cluster.postgres.pid) if state(pid) == "T"]


def test_a_table_cannot_grow_and_then_can(servers: Watched, table: None) -> None:
    with closing(servers.database()) as writer:
        writer.execute("ALTER TABLE things ALTER COLUMN text SET STORAGE PLAIN")
        fill = "INSERT INTO things SELECT n, repeat('x', 7000) FROM generate_series(1, 2500) AS n"
        writer.execute(fill.encode())
        seen = servers.during(
            "PostgreSQL's tables cannot grow", lambda: says(lambda: writer.execute(fill.encode()))
        )
        assert "fine" not in seen
        assert "InternalError_" in seen or "DiskFull" in seen or "ProgramLimitExceeded" in seen
        assert says(lambda: writer.execute(fill.encode())) == "fine"


def test_a_log_that_takes_nothing_stops_everybody_and_loses_no_commit(servers: Watched, table: None) -> None:
    def look() -> str:
        # The limit comes to sessions that are there.
        return says(lambda: there.execute("INSERT INTO things VALUES (1)"))

    with closing(servers.database()) as there:
        seen = servers.during("PostgreSQL cannot write its log", look)
    assert "fine" not in seen
    eventually(lambda: ask(servers, "SELECT 1") == "fine")
    with closing(servers.database()) as connection:
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (0,)


@pytest.mark.parametrize(
    ("fault", "words", "rows"),
    [
        ("the answer to the commit of a batch is lost", wire.STORE_MESSAGES, 1),
        ("the answer to the commit of an effect is lost", wire.FINISH, 1),
        ("the answer to the commit of a claim is lost", wire.CLAIM, 1),
        ("commits break off before they arrive", wire.UPDATE, 0),
    ],
)
def test_a_commit_is_in_doubt(servers: Watched, table: None, fault: str, words: Words, rows: int) -> None:
    """A session that says the same words as the pipeline, in a comment."""
    answers: list[str] = []

    def write() -> None:
        port = servers.proxies["postgres"].port
        with psycopg.connect(host=LOOPBACK, port=port, user="postgres", dbname="postgres") as connection:
            connection.execute(b"INSERT INTO things VALUES (1) -- " + words.text)

    asking = servers.ask_in_time("postgres", lambda: answers.append(says(write)))
    servers.inject(fault)
    asking.join()
    assert answers == ["OperationalError"]
    with closing(servers.database()) as connection:
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (rows,)


def test_no_setting_stays(servers: Watched) -> None:
    with closing(servers.database()) as connection:
        changed = connection.execute(
            "SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf'"
        ).fetchall()
    assert changed == []
