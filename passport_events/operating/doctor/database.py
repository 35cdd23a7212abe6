"""The database that the messages are in.

Settings and their meaning: "Server Configuration" in PostgreSQL's manual.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import Error, connections, router, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model

from passport_events.clock import ClockTimestamp, read_clock
from passport_events.conf import Settings
from passport_events.models import Heartbeat, ProcessedMessage
from passport_events.operating.doctor.finding import DoctorFinding, report_error, report_ok, report_warning
from passport_events.operating.text import format_duration
from passport_events.receiving.queries import LOCK_TIMEOUT
from passport_events.receiving.writer import count_writers

_SETTINGS = (
    "autovacuum",
    "default_transaction_isolation",
    "fsync",
    "idle_in_transaction_session_timeout",
    "max_connections",
    "statement_timeout",
    "synchronous_commit",
)
CONNECTIONS_PER_WORKER = 2
"""Connections: the work, and the renewal of its lease."""
PACKAGE = "passport_events"
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
PROOF = "passport doctor"
MAX_CLOCK_SKEW = timedelta(seconds=30)


@dataclasses.dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the database says of itself."""

    vendor: str
    unapplied: int
    """Migrations of this app that were not run."""
    skew: timedelta
    """How far this machine's clock is ahead of the database's."""
    settings: Mapping[str, str]
    """PostgreSQL's, in milliseconds where they are durations."""
    connections: int
    """In use, of all clients."""
    pool: int | None
    """The most connections of Django's pool; None where there is none."""
    refusal: str = ""
    """Why it did not take a write, as the driver's class of error; empty where it did."""
    denied: tuple[str, ...] = ()
    """Tables that this role may not read and write."""


def count_connections_per_poller(settings: Settings) -> int:
    """Connections: its writers, the heartbeat with the dispatcher, and the chores of other apps."""
    return count_writers(settings.receivers) + 2


def read_facts() -> DatabaseFacts:
    """Ask the database, and write to it in a transaction that is rolled back. Raises its errors."""
    connection = connections[router.db_for_write(ProcessedMessage)]
    executor = MigrationExecutor(connection)
    ours = [node for node in executor.loader.graph.leaf_nodes() if node[0] in _list_models()]
    unapplied = len(executor.migration_plan(ours))
    is_postgresql = connection.vendor == "postgresql"
    found, used = _read_postgresql(connection) if is_postgresql else ({}, 0)
    return DatabaseFacts(
        vendor=connection.vendor,
        unapplied=unapplied,
        skew=datetime.now(UTC) - read_clock(connection),
        settings=found,
        connections=used,
        pool=get_pool_size(connection.settings_dict),
        refusal="" if unapplied else _try_to_write(connection.alias),
        denied=_find_denied(connection) if is_postgresql else (),
    )


def _list_models() -> dict[str, list[type[Model]]]:
    """The models of the core and of the optional apps that are installed, by label."""
    ours = [each for each in apps.get_app_configs() if f"{each.name}.".startswith(f"{PACKAGE}.")]
    return {each.label: list(each.get_models()) for each in ours}


def _read_postgresql(connection: Any) -> tuple[dict[str, str], int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(_SETTINGS)])
        found = dict(cursor.fetchall())
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        return found, cursor.fetchone()[0]


def _find_denied(connection: Any) -> tuple[str, ...]:
    tables = [model._meta.db_table for models in _list_models().values() for model in models]  # noqa: SLF001  # public
    may = " AND ".join(f"has_table_privilege(name, '{each}')" for each in RIGHTS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name "  # noqa: S608  # constants
            f"WHERE to_regclass(name) IS NOT NULL AND NOT ({may}) ORDER BY name",
            [tables],
        )
        return tuple(name for (name,) in cursor.fetchall())


def _try_to_write(alias: str) -> str:
    try:
        with transaction.atomic(using=alias):
            now = ClockTimestamp()
            Heartbeat.objects.create(name=PROOF, kind="doctor", started_at=now, beaten_at=now)
            Heartbeat.objects.filter(name=PROOF).update(beaten_at=now)
            Heartbeat.objects.select_for_update(skip_locked=True).filter(name=PROOF).first()
            Heartbeat.objects.filter(name=PROOF).delete()
            transaction.set_rollback(True, using=alias)
    except Error as refusal:
        return type(refusal.__cause__ or refusal).__name__
    return ""


def get_pool_size(database: Mapping[str, Any]) -> int | None:
    """The most connections of the pool of an entry of DATABASES; None where there is none."""
    options = database.get("OPTIONS", {}).get("pool")
    if not options:
        return None
    options = options if isinstance(options, dict) else {}
    return int(options.get("max_size") or options.get("min_size") or 4)  # psycopg_pool's default


def judge(facts: DatabaseFacts, settings: Settings) -> Iterator[DoctorFinding]:
    """Everything that is wrong with the database, or that nothing is."""
    found = [*_judge_database(facts, settings), *_judge_server(facts, settings)]
    yield from found
    if not found:
        text = (
            f"The database ({facts.vendor}) is migrated, took a write, and is set up as the promises need it."
        )
        yield report_ok("D0", text)


def _judge_database(facts: DatabaseFacts, settings: Settings) -> Iterator[DoctorFinding]:
    if facts.unapplied:
        yield report_error("D1", f"{facts.unapplied} migrations were not run.", "Run manage.py migrate.")
    if facts.vendor == "sqlite":
        yield report_warning(
            "D2", "The database is SQLite.", "Use PostgreSQL: SQLite is for the demo and development."
        )
    needed = count_connections_per_poller(settings)
    if facts.pool is not None and facts.pool < needed:
        text = f"Django's connection pool holds {facts.pool} connections, and a poller needs {needed}."
        yield report_error("D3", text, f"Set OPTIONS['pool']['max_size'] to {needed} or more.")
    if abs(facts.skew) > MAX_CLOCK_SKEW:
        text = f"The clocks of this machine and of the database are {format_duration(abs(facts.skew))} apart."
        yield report_warning("D4", text, "Let both ask the same time servers.")

    if facts.denied:
        text = f"This role may not {', '.join(RIGHTS)} in {', '.join(facts.denied)}."
        yield report_error("D13", text, "GRANT it to the role of pollers, workers and the web.")
    elif facts.refusal:
        text = f"The database takes no writes: {facts.refusal}."
        yield report_error("D5", text, "Is it a replica, or full? Route writes to the primary.")


def _judge_server(facts: DatabaseFacts, settings: Settings) -> Iterator[DoctorFinding]:
    found = facts.settings
    for name in ("fsync", "synchronous_commit"):
        if found.get(name) == "off":
            text = f"{name} is off: what the database called committed may be gone after a crash."
            yield report_error(
                "D6", text, f"Set {name} to on: a delivery is deleted from SQS because it is committed."
            )
    if found.get("autovacuum") == "off":
        yield report_warning(
            "D7", "autovacuum is off: the due index grows with every message.", "Set autovacuum to on."
        )
    timeout = int(found.get("statement_timeout", 0))
    shortest = int(LOCK_TIMEOUT.removesuffix("s")) * 1_000
    if 0 < timeout <= shortest:
        text = (
            f"statement_timeout is {timeout} ms, no longer than receiving waits for a lock ({shortest} ms)."
        )
        yield report_warning("D8", text, "Set it to 30 s or more for this role.")
    idle = int(found.get("idle_in_transaction_session_timeout", 0))
    if 0 < idle < settings.handler_timeout_seconds * 1_000:
        text = f"idle_in_transaction_session_timeout is {idle} ms: a handler that computes longer is cut off."
        yield report_warning("D9", text, "Set it above HANDLER_TIMEOUT_SECONDS, or that lower.")
    free = int(found.get("max_connections", 0)) - facts.connections
    if found and free < count_connections_per_poller(settings) + CONNECTIONS_PER_WORKER:
        text = f"Of max_connections {found['max_connections']} only {max(0, free)} are free."
        yield report_warning("D10", text, "Raise max_connections, or put a pooler in front of the database.")
    isolation = found.get("default_transaction_isolation", "read committed")
    if isolation != "read committed":
        text = f"Transactions are {isolation}: claims and merges then fail and are tried again."
        yield report_warning(
            "D11", text, "Leave default_transaction_isolation at read committed for this role."
        )
