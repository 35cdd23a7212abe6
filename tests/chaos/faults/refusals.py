"""PostgreSQL is there and refuses: writes, time, locks, connections, disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from random import Random

import psycopg
from psycopg import sql

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults import aim
from tests.chaos.faults.backends import BACKENDS, TAKEN, TERMINATE

_MOST_CONNECTIONS = 500
_WAL_SEGMENT = 16 * 1024 * 1024
"""Size of the files of its log. A lower limit hits the log, a higher one only larger tables."""


@contextmanager
def altered(cluster: Cluster, **settings: str) -> Iterator[None]:
    """Change settings for every session, the ones that exist too."""
    with aim.database(cluster) as database:
        database.execute("SET statement_timeout = 0")  # whatever is changed does not hold for us
        try:
            for name, value in settings.items():
                database.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
            database.execute("SELECT pg_reload_conf()")
            yield
        finally:
            for name in settings:
                database.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            database.execute("SELECT pg_reload_conf()")


def _with_settings(**settings: str) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        with altered(cluster, **settings):
            cluster.wait(random.uniform(2, 5))
        return 0

    return inject


def take_connections(cluster: Cluster, random: Random) -> int:
    """Somebody else has them all; who has one keeps it, until it is thrown out and finds no other."""
    with ExitStack() as held, aim.database(cluster) as database:
        for _ in range(random.randint(3, 8)):
            _take_all(cluster, held)
            database.execute(f"{TERMINATE} LIMIT 3")
            cluster.wait(0.5)
    return 0


def _take_all(cluster: Cluster, held: ExitStack) -> None:
    with suppress(psycopg.OperationalError):  # there is none left
        for _ in range(_MOST_CONNECTIONS):
            connection = held.enter_context(closing(cluster.database()))
            connection.execute("SELECT set_config('application_name', %s, false)", (TAKEN,))


def limit_files(size: int) -> Inject:
    """Backends cannot write beyond the first `size` bytes of any file.

    As near to a full disk as one comes without a file system of one's own: the error has
    another code.
    """

    def inject(cluster: Cluster, random: Random) -> int:
        try:
            for _ in range(10):
                _set_limit(cluster, str(size))  # for those who came since
                cluster.wait(random.uniform(0.1, 0.3))
        finally:
            _set_limit(cluster, "unlimited")
            aim.wait_for_database(cluster)
        return 0

    return inject


def _set_limit(cluster: Cluster, size: str) -> None:
    # PostgreSQL runs the command, because it may run as another user than we do. Who stops meanwhile
    # has no limit any more; and when all have to recover, so have we.
    with suppress(psycopg.OperationalError), closing(cluster.database()) as database:
        pids = " ".join(str(pid) for (pid,) in database.execute(BACKENDS))
        # `cat` takes the row, which would break the pipe if nobody did.
        each = f"cat >/dev/null; for pid in {pids}; do prlimit --pid $pid --fsize={size}: || true; done 2>/dev/null"
        database.execute(sql.SQL("COPY (SELECT) TO PROGRAM {}").format(each))


FAULTS = (
    Fault(
        "PostgreSQL is read-only",
        "database",
        _with_settings(default_transaction_read_only="on"),
        weight=2,
        scenarios=(9,),
    ),
    Fault(
        "PostgreSQL gives no statement more than 3 ms",
        "database",
        _with_settings(statement_timeout="3ms"),
        scenarios=(9,),
    ),
    Fault(
        "PostgreSQL gives no lock more than 3 ms",
        "database",
        _with_settings(lock_timeout="3ms"),
        scenarios=(9,),
    ),
    Fault(
        "PostgreSQL ends transactions that idle",
        "database",
        _with_settings(idle_in_transaction_session_timeout="20ms"),
        scenarios=(9, 10),
    ),
    Fault(
        "PostgreSQL serializes every transaction",
        "database",
        _with_settings(default_transaction_isolation="serializable"),
        scenarios=(9,),
    ),
    Fault("PostgreSQL has no connections left", "database", take_connections, scenarios=(10,)),
    Fault("PostgreSQL's tables cannot grow", "database", limit_files(_WAL_SEGMENT), scenarios=(9,)),
    Fault("PostgreSQL cannot write its log", "database", limit_files(8_192), scenarios=(8, 9)),
)
