"""What an error of the database means: one sentence with the database, the cause and the way out.

The server's own text stays out of it, because it may repeat the values of a row.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DataError, Error, IntegrityError, connections, router

from passport_events.aws_clients.queue_urls import without_userinfo
from passport_events.exceptions import StartFailed
from passport_events.models import Heartbeat


@dataclasses.dataclass(frozen=True, slots=True)
class DatabaseFault:
    """Why a database does not do what it is asked for."""

    text: str
    way_out: str
    is_permanent: bool
    """Whether waiting does not help."""


_RULES: tuple[tuple[tuple[str, ...], str, DatabaseFault], ...] = (
    (
        ("42P01", "42703", "3F000"),
        r"no such (table|column)|has no column named",
        DatabaseFault(
            "has not the tables and columns that are needed", "Run manage.py migrate.", is_permanent=True
        ),
    ),
    (
        ("28P01", "28000"),
        r"authentication failed|no pg_hba\.conf entry|role \"[^\"]*\" does not exist|no password supplied",
        DatabaseFault("refuses the user", "Correct USER, PASSWORD and HOST in DATABASES.", is_permanent=True),
    ),
    (
        ("3D000",),
        r"database \"[^\"]*\" does not exist",
        DatabaseFault("does not exist", "Correct NAME in DATABASES, or create it.", is_permanent=True),
    ),
    (
        ("42501",),
        r"permission denied for",
        DatabaseFault(
            "refuses a right that is needed",
            "Grant SELECT, INSERT, UPDATE and DELETE on its tables to this user.",
            is_permanent=True,
        ),
    ),
    (
        (),
        r"unable to open database file|file is not a database",
        DatabaseFault(
            "cannot be opened", "Correct NAME in DATABASES, and the rights to it.", is_permanent=True
        ),
    ),
    (
        ("25006",),
        r"readonly database|read-only transaction|query_only",
        DatabaseFault(
            "takes no writes",
            "It may be a replica, or in a failover: send writes to the primary.",
            is_permanent=False,
        ),
    ),
    (
        ("53300",),
        r"too many (clients|connections)|connection slots are reserved",
        DatabaseFault(
            "has no free connection", "Raise its limit, or end other clients of it.", is_permanent=False
        ),
    ),
    (
        (),
        r"couldn't get a connection",
        DatabaseFault(
            "gives the pool no connection",
            "See that it runs, and that the pool is large enough.",
            is_permanent=False,
        ),
    ),
    (
        ("53100",),
        r"disk is full|No space left on device",
        DatabaseFault("has no space left on its disk", "Make room.", is_permanent=False),
    ),
    (
        ("55P03", "57014", "40P01"),
        r"database (table )?is locked|lock timeout|statement timeout",
        DatabaseFault("was locked for too long", "Look for transactions that stay open.", is_permanent=False),
    ),
    (
        ("57P01", "57P02", "57P03", "08006", "08001"),
        r"[Cc]onnection|connect to|host name|timeout expired|closed the|starting up|shutting down",
        DatabaseFault(
            "cannot be reached", "See that it runs, and that HOST and PORT are right.", is_permanent=False
        ),
    ),
)
_OTHER = DatabaseFault("refuses what it is asked for", "", is_permanent=False)
_DOCTOR = "To find out more, run manage.py passport doctor."


def describe_database() -> str:
    """Vendor, name, server and alias of the database that writes go to; no user and no password.

    Raises StartFailed where DATABASES cannot be read.
    """
    alias = router.db_for_write(Heartbeat)
    try:
        connection = connections[alias]
        found: dict[str, Any] = connection.settings_dict
        vendor = connection.display_name
        connection.get_connection_params()  # sends nothing
    except ImproperlyConfigured as error:
        raise StartFailed(f"DATABASES[{alias!r}] cannot be used: {error}") from error
    options = found.get("OPTIONS") or {}
    name = _hide_connection_string(
        found.get("NAME") or options.get("dbname") or f"of service {options.get('service', '?')}"
    )
    if connection.vendor == "sqlite":
        return f"{vendor} database {name} (alias {alias})"
    host = without_userinfo(str(found.get("HOST") or options.get("host") or "its local socket"))
    port = found.get("PORT") or options.get("port") or ""
    return f"{vendor} database {name} at {host}{port and f':{port}'} (alias {alias})"


def _hide_connection_string(name: object) -> str:
    """The name, or what can hold no password of a URL or of a connection string."""
    text = str(name).partition("?")[0]
    return "given by a connection string" if re.search(r"@|password", text) else text


def describe_error(error: Error) -> str:
    """One sentence or more: the database, the cause with the driver's class and code, and the way out."""
    cause = find_fault(error)
    code = _get_sqlstate(error)
    kind = type(error).__name__ + (f" {code}" if code else "")
    return " ".join(
        filter(None, (f"{_describe_database_or_default()} {cause.text}: {kind}.", cause.way_out, _DOCTOR))
    )


def _describe_database_or_default() -> str:
    try:
        return describe_database()
    except StartFailed:
        return "The database"


def find_fault(error: Error) -> DatabaseFault:
    """By the code of SQL, else by words that the driver uses for it."""
    code = _get_sqlstate(error)
    for codes, _, cause in _RULES:
        if code in codes:
            return cause
    if code or isinstance(error, IntegrityError | DataError):
        return _OTHER  # whose words hold values
    return next((cause for _, words, cause in _RULES if re.search(words, str(error))), _OTHER)


def _get_sqlstate(error: Error) -> str:
    """PostgreSQL's SQLSTATE; empty for SQLite, and where no server answered."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")
