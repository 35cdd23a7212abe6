"""The servers of a benchmark: PostgreSQL as durable as by default, Valkey, and the stub."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from benchmarks.throughput.contender import Program, Tables
from benchmarks.throughput.events import organizations
from benchmarks.throughput.stub.server import SqsStub
from project.demo.aws import CREDENTIALS
from project.embedded import LOOPBACK, PostgresServer, ValkeyServer

REPOSITORY = Path(__file__).parents[2]
ROLES = ("bench_poller", "bench_worker")
POSTGRESQL = {
    # What PostgreSQL does by itself, said aloud: an acknowledged commit is on the disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "shared_preload_libraries": "pg_stat_statements",
}
_SETTINGS = {
    Tables.OURS: "benchmarks.throughput.ours.settings",
    Tables.PEERS: "benchmarks.throughput.peers.settings",
}
_FILLED = {Tables.OURS: "passport_events_salesforceorganization", Tables.PEERS: "peers_organization"}
_FILL = {
    Tables.OURS: (
        "INSERT INTO passport_events_salesforceorganization"
        " (salesforce_id, name, mode, created_at, updated_at) VALUES (%s, %s, 'live', now(), now())"
    ),
    Tables.PEERS: "INSERT INTO peers_organization (salesforce_id, name) VALUES (%s, %s)",
}


class Stack:
    """A context manager. Every run gets a database of its own, copied from one with empty tables."""

    def __init__(self) -> None:
        self.postgres = PostgresServer(settings=POSTGRESQL)
        self.valkey = ValkeyServer()
        self.stub = SqsStub()
        self._exits = ExitStack()
        self._databases = 0

    def __enter__(self) -> Self:
        try:
            for server in (self.postgres, self.valkey, self.stub):
                self._exits.enter_context(server)
            self._make_templates()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A new autocommit connection as superuser."""
        return psycopg.connect(
            host=LOOPBACK,
            port=self.postgres.port,
            user=self.postgres.user,
            dbname=database,
            autocommit=True,
        )

    def new_database(self, tables: Tables, like: str = "") -> str:
        """A database with empty tables and all organizations, or a copy of another one."""
        self._databases += 1
        name = f"run_{self._databases}"
        # What is large is copied as files, and the disk has it before anybody is measured.
        how = f"{like} STRATEGY FILE_COPY" if like else f"template_{tables}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {how}".encode())
        return name

    def drop_database(self, name: str) -> None:
        """Remove a run's database, and whoever is still connected to it."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def environment(self, program: Program, database: str, postgresql_port: int = 0) -> dict[str, str]:
        """All that a contender's process gets. Another port is that of a proxy before PostgreSQL."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            **CREDENTIALS,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(REPOSITORY),
            "PASSPORT_BENCH_POSTGRESQL_PORT": str(postgresql_port or self.postgres.port),
            "PASSPORT_BENCH_DATABASE": database,
            "PASSPORT_BENCH_USER": program.role,
            "PASSPORT_BENCH_REDIS_URL": self.valkey.url,
            "PASSPORT_BENCH_ENDPOINT_URL": self.stub.endpoint_url,
            **program.variables,
        }

    def _make_templates(self) -> None:
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            for role in ROLES:
                connection.execute(f"CREATE ROLE {role} SUPERUSER LOGIN".encode())
            for tables in Tables:
                connection.execute(f"CREATE DATABASE template_{tables}".encode())
        for tables in Tables:
            self._migrate(tables)
            with self.connect(f"template_{tables}") as connection, connection.cursor() as cursor:
                cursor.executemany(_FILL[tables], [(each, each) for each in organizations()])
                # Only what has rows: to PostgreSQL a table that was empty when it was vacuumed stays small
                # until it is vacuumed again, and plans are made that read all of it.
                cursor.execute(f"VACUUM ANALYZE {_FILLED[tables]}".encode())

    def _migrate(self, tables: Tables) -> None:
        program = Program(name="migrate", arguments=(), role=ROLES[0])
        variables = {
            "DJANGO_SETTINGS_MODULE": _SETTINGS[tables],
            "PASSPORT_BENCH_APPS": "benchmarks.throughput.enrolment",
        }
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"],
            env=self.environment(program, f"template_{tables}") | variables,
            cwd=REPOSITORY,
            check=True,
        )
