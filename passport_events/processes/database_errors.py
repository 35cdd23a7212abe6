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
class Cause:
    """Why a database does not do what it is asked for."""

    text: str
    way_out: str
    is_permanent: bool
    """Whether waiting does not help."""


_RULES: tuple[tuple[tuple[str, ...], str, Cause], ...] = (
    (
        ("42P01", "42703", "3F000"),
        r"no such (table|column)|has no column named",
        Cause("has not the tables and columns that are needed", "Run manage.py migrate.", is_permanent=True),
    ),
    (
        ("28P01", "28000"),
        r"authentication failed|no pg_hba\.conf entry|role \"[^\"]*\" does not exist|no password supplied",
        Cause("refuses the user", "Correct USER, PASSWORD and HOST in DATABASES.", is_permanent=True),
    ),
    (
        ("3D000",),
        r"database \"[^\"]*\" does not exist",
        Cause("does not exist", "Correct NAME in DATABASES, or create it.", is_permanent=True),
    ),
    (
        ("42501",),
        r"permission denied for",
        Cause(
            "refuses a right that is needed",
            "Grant SELECT, INSERT, UPDATE and DELETE on its tables to this user.",
            is_permanent=True,
        ),
    ),
    (
        (),
        r"unable to open database file|file is not a database",
        Cause("cannot be opened", "Correct NAME in DATABASES, and the rights to it.", is_permanent=True),
    ),
    (
        ("25006",),
        r"readonly database|read-only transaction|query_only",
        Cause(
            "takes no writes",
            "It may be a replica, or in a failover: send writes to the primary.",
            is_permanent=False,
        ),
    ),
    (
        ("53300",),
        r"too many (clients|connections)|connection slots are reserved",
        Cause("has no free connection", "Raise its limit, or end other clients of it.", is_permanent=False),
    ),
    (
        (),
        r"couldn't get a connection",
        Cause(
            "gives the pool no connection",
            "See that it runs, and that the pool is large enough.",
            is_permanent=False,
        ),
    ),
    (
        ("53100",),
        r"disk is full|No space left on device",
        Cause("has no space left on its disk", "Make room.", is_permanent=False),
    ),
    (
        ("55P03", "57014", "40P01"),
        r"database (table )?is locked|lock timeout|statement timeout",
        Cause("was locked for too long", "Look for transactions that stay open.", is_permanent=False),
    ),
    (
        ("57P01", "57P02", "57P03", "08006", "08001"),
        r"[Cc]onnection|connect to|host name|timeout expired|closed the|starting up|shutting down",
        Cause("cannot be reached", "See that it runs, and that HOST and PORT are right.", is_permanent=False),
    ),
)
_OTHER = Cause("refuses what it is asked for", "", is_permanent=False)
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
    name = _plain(found.get("NAME") or options.get("dbname") or f"of service {options.get('service', '?')}")
    if connection.vendor == "sqlite":
        return f"{vendor} database {name} (alias {alias})"
    host = without_userinfo(str(found.get("HOST") or options.get("host") or "its local socket"))
    port = found.get("PORT") or options.get("port") or ""
    return f"{vendor} database {name} at {host}{port and f':{port}'} (alias {alias})"


def _plain(name: object) -> str:
    """The name, or what can hold no password of a URL or of a connection string."""
    text = str(name).partition("?")[0]
    return "given by a connection string" if re.search(r"@|password", text) else text


def describe_error(error: Error) -> str:
    """One sentence or more: the database, the cause with the driver's class and code, and the way out."""
    cause = find_cause(error)
    code = _code_of(error)
    kind = type(error).__name__ + (f" {code}" if code else "")
    return " ".join(filter(None, (f"{_where()} {cause.text}: {kind}.", cause.way_out, _DOCTOR)))


def _where() -> str:
    try:
        return describe_database()
    except StartFailed:
        return "The database"


def find_cause(error: Error) -> Cause:
    """By the code of SQL, else by words that the driver uses for it."""
    code = _code_of(error)
    for codes, _, cause in _RULES:
        if code in codes:
            return cause
    if code or isinstance(error, IntegrityError | DataError):
        return _OTHER  # whose words hold values
    return next((cause for _, words, cause in _RULES if re.search(words, str(error))), _OTHER)


def _code_of(error: Error) -> str:
    """PostgreSQL's SQLSTATE; empty for SQLite, and where no server answered."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")
