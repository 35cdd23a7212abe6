"""Commits in doubt, and processes that die at a chosen moment, with a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from project.embedded import LOOPBACK
from tests.chaos.proxy import HoldReply, HoldRequest, LoseReply, TcpProxy
from tests.chaos.proxy.owner import owner_of
from tests.harness import environment

pytestmark = pytest.mark.postgresql

COMMIT = b"COMMIT"
WRITE_AND_COMMIT = """
import psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("INSERT INTO traps VALUES (1)")
"""

Rows = psycopg.Connection[tuple[int]]


def address(port: int) -> str:
    return f"host={LOOPBACK} port={port} user=postgres dbname=postgres"


@pytest.fixture
def direct() -> Iterator[psycopg.Connection]:
    where = address(int(os.environ[environment.POSTGRESQL_PORT]))
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("CREATE TABLE traps (number int)")
        yield connection
        connection.execute("DROP TABLE traps")


def numbers(direct: psycopg.Connection) -> list[int]:
    return [row[0] for row in direct.execute("SELECT number FROM traps ORDER BY number")]


def test_a_commit_whose_answer_is_lost_is_durable_and_looks_like_an_error(
    direct: psycopg.Connection, postgres_proxy: TcpProxy
) -> None:
    with (
        postgres_proxy.trap(COMMIT, LoseReply()) as trap,
        pytest.raises(psycopg.OperationalError),
        psycopg.connect(address(postgres_proxy.port)) as connection,
    ):
        connection.execute("INSERT INTO traps VALUES (1)")
    assert trap.caught == 1
    assert numbers(direct) == [1]


def test_only_the_commit_of_what_was_written_is_meant(
    direct: psycopg.Connection, postgres_proxy: TcpProxy
) -> None:
    with postgres_proxy.trap(COMMIT, LoseReply(), after=b"INSERT INTO traps") as trap:
        with psycopg.connect(address(postgres_proxy.port)) as reader:
            reader.execute("SELECT 1")
        with suppress(psycopg.OperationalError), psycopg.connect(address(postgres_proxy.port)) as writer:
            writer.execute("SELECT 1")
            writer.commit()
            writer.execute("INSERT INTO traps VALUES (2)")
    assert trap.caught == 1
    assert numbers(direct) == [2]


def test_a_trap_can_wait_for_one_client_among_others(
    direct: psycopg.Connection, postgres_proxy: TcpProxy
) -> None:
    with (
        psycopg.connect(address(postgres_proxy.port)) as this,
        psycopg.connect(address(postgres_proxy.port)) as that,
    ):
        with socket.socket(fileno=os.dup(that.fileno())) as same:
            port = same.getsockname()[1]
        with postgres_proxy.trap(COMMIT, LoseReply(), whose=lambda client: client == port) as trap:
            for connection, number in ((this, 1), (that, 2)):
                connection.execute("INSERT INTO traps VALUES (%s)", (number,))
            this.commit()
            with pytest.raises(psycopg.OperationalError):
                that.commit()
    assert trap.client_port == port


@pytest.mark.parametrize(
    ("moment", "written"),
    [(HoldRequest(), []), (HoldReply(), [1])],
    ids=["before the commit", "after the commit"],
)
def test_the_owner_of_a_connection_can_be_killed_at_the_moment_that_is_held(
    direct: psycopg.Connection, postgres_proxy: TcpProxy, moment: HoldRequest | HoldReply, written: list[int]
) -> None:
    with postgres_proxy.trap(COMMIT, moment, after=b"INSERT INTO traps") as trap:
        victim = subprocess.Popen([sys.executable, "-c", WRITE_AND_COMMIT, address(postgres_proxy.port)])
        assert trap.wait(20)
        assert trap.client_port is not None
        owner = owner_of(trap.client_port, postgres_proxy.port, [os.getpid(), victim.pid])
        assert owner == victim.pid
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
        trap.drop()
        assert owner_of(trap.client_port, postgres_proxy.port, [os.getpid(), victim.pid]) is None
    assert numbers(direct) == written
