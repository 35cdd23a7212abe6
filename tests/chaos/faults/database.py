"""PostgreSQL: gone, read-only, out of connections, out of patience, out of disk; answers of COMMIT lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from random import Random

import psycopg
from psycopg import sql

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults import aim, wire
from tests.chaos.faults.aim import PATIENCE_SECONDS
from tests.chaos.faults.wire import Words
from tests.chaos.proxy import CutRequest, LoseReply
from tests.chaos.proxy.traps import Action

_MOST_CONNECTIONS = 500
_WAL_SEGMENT = 16 * 1024 * 1024
"""Size of the files of its log. A lower limit hits the log, a higher one only larger tables."""
_TAKEN = "taken by a fault"
_BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
    " AND pid <> pg_backend_pid() AND application_name <> 'taken by a fault'"
)
_TERMINATE = f"SELECT pg_terminate_backend(pid) FROM ({_BACKENDS}) AS others"  # noqa: S608  a constant


def kill_server(cluster: Cluster, random: Random) -> int:
    """SIGKILL, all of it; it recovers from its log when it is started again."""
    try:
        cluster.postgres.kill()
        cluster.wait(random.uniform(0, 3))
    finally:
        cluster.postgres.start()
    return 0


def restart_server(cluster: Cluster, random: Random) -> int:
    """As for an update: transactions are rolled back, connections closed."""
    cluster.postgres.restart()
    return 0


def crash_backend(cluster: Cluster, random: Random) -> int:
    """One backend is killed; PostgreSQL then throws out everybody and recovers, as its memory may be spoiled."""
    pid = _a_backend(cluster, random)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    cluster.wait(random.uniform(0.5, 2))
    _wait_for_recovery(cluster)
    return 0


def _wait_for_recovery(cluster: Cluster) -> None:
    with aim.database(cluster):
        pass


def freeze_backend(cluster: Cluster, random: Random) -> int:
    """One backend stands still, with all the locks it has."""
    pid = _a_backend(cluster, random)
    if pid is None:
        return 0
    try:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        cluster.wait(random.uniform(2, 5))
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return 0


def _a_backend(cluster: Cluster, random: Random) -> int | None:
    """One that is in a transaction, if there is any: it holds locks."""
    with aim.database(cluster) as database:
        for question in (f"{_BACKENDS} AND xact_start IS NOT NULL", _BACKENDS):
            pids: list[int] = [
                pid for (pid,) in database.execute(question) if _is_child_of(pid, cluster.postgres.pid)
            ]
            if pids:
                return random.choice(sorted(pids))
    return None


def _is_child_of(pid: int, parent: int) -> bool:
    # A pid may be another's by now.
    with suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123
        return int(stat.read().rpartition(")")[2].split()[1]) == parent
    return False


def terminate(cluster: Cluster, random: Random) -> int:
    """pg_terminate_backend for everybody, as a failover behind a pooler looks."""
    with aim.database(cluster) as database:
        for _ in range(random.randint(1, 4)):
            database.execute(_TERMINATE)
            cluster.wait(random.uniform(0.1, 0.7))
    return 0


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
            database.execute(f"{_TERMINATE} LIMIT 3")
            cluster.wait(0.5)
    return 0


def _take_all(cluster: Cluster, held: ExitStack) -> None:
    with suppress(psycopg.OperationalError):  # there is none left
        for _ in range(_MOST_CONNECTIONS):
            connection = held.enter_context(closing(cluster.database()))
            connection.execute("SELECT set_config('application_name', %s, false)", (_TAKEN,))


def _limit_files(size: int) -> Inject:
    """Backends cannot write beyond the first `size` bytes of any file.

    As near to a full disk as one comes without a file system of one's own: the error is another one,
    what it leads to is the same.
    """

    def inject(cluster: Cluster, random: Random) -> int:
        try:
            for _ in range(10):
                _set_limit(cluster, str(size))  # for those who came since
                cluster.wait(random.uniform(0.1, 0.3))
        finally:
            _set_limit(cluster, "unlimited")
            _wait_for_recovery(cluster)
        return 0

    return inject


def _set_limit(cluster: Cluster, size: str) -> None:
    # PostgreSQL runs the command, because it may run as another user than we do. Who stops meanwhile
    # has no limit any more; and when all have to recover, so have we.
    with suppress(psycopg.OperationalError), closing(cluster.database()) as database:
        pids = " ".join(str(pid) for (pid,) in database.execute(_BACKENDS))
        # `cat` takes the row, which would break the pipe if nobody did.
        each = f"cat >/dev/null; for pid in {pids}; do prlimit --pid $pid --fsize={size}: || true; done 2>/dev/null"
        database.execute(sql.SQL("COPY (SELECT) TO PROGRAM {}").format(each))


def _at_commit(action: Action, after: Words, times: int) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        proxy = cluster.proxies["postgres"]
        with proxy.trap(wire.COMMIT.text, action, after=after.text, times=times) as trap:
            trap.wait(PATIENCE_SECONDS)
            cluster.wait(random.uniform(0.5, 2))
        return 0

    return inject


FAULTS = (
    Fault("PostgreSQL is killed and recovers", "database", kill_server, weight=2, scenarios=(7, 8)),
    Fault("PostgreSQL is restarted", "database", restart_server, scenarios=(7, 8)),
    Fault("a PostgreSQL backend crashes", "database", crash_backend, scenarios=(8,)),
    Fault("a PostgreSQL backend stands still", "database", freeze_backend, scenarios=(9,)),
    Fault("PostgreSQL throws everybody out", "database", terminate, weight=2, scenarios=(8,)),
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
    Fault("PostgreSQL's tables cannot grow", "database", _limit_files(_WAL_SEGMENT), scenarios=(9,)),
    Fault("PostgreSQL cannot write its log", "database", _limit_files(8_192), scenarios=(8, 9)),
    Fault(
        "the answer to the commit of a batch is lost",
        "database",
        _at_commit(LoseReply(), wire.STORE_MESSAGES, 2),
        weight=2,
        scenarios=(8,),
    ),
    Fault(
        "the answer to the commit of an effect is lost",
        "database",
        _at_commit(LoseReply(), wire.FINISH, 5),
        weight=2,
        scenarios=(8,),
    ),
    Fault(
        "the answer to the commit of a claim is lost",
        "database",
        _at_commit(LoseReply(), wire.CLAIM, 3),
        scenarios=(8,),
    ),
    Fault(
        "commits break off before they arrive",
        "database",
        _at_commit(CutRequest(), wire.UPDATE, 5),
        scenarios=(8,),
    ),
)
