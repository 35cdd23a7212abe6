"""Explain an error to operators, and tell whether waiting helps.

The text of the database's server is left out, because it can repeat the values of a row.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DataError, Error, IntegrityError, connections, router

from passport_events.aws_clients.queue_urls import strip_userinfo
from passport_events.exceptions import PassportEventsError, QueueUnavailable, StartFailed
from passport_events.models import Heartbeat


@dataclasses.dataclass(frozen=True, slots=True)
class DatabaseFault:
    """Why a database refuses a statement or a connection."""

    text: str
    way_out: str
    is_permanent: bool
    """True if waiting does not help."""


_RULES: tuple[tuple[tuple[str, ...], str, DatabaseFault], ...] = (
    (
        ("42P01", "42703", "3F000"),
        r"no such (table|column)|has no column named",
        DatabaseFault("lacks required tables or columns", "Run manage.py migrate.", is_permanent=True),
    ),
    (
        ("28P01", "28000"),
        (
            r"authentication failed|no pg_hba\.conf entry|no password supplied"
            r"|role \"[^\"]*\" (does not exist|is not permitted to log in)"
        ),
        DatabaseFault("rejects the user", "Correct USER, PASSWORD and HOST in DATABASES.", is_permanent=True),
    ),
    (
        ("3D000", "57P04"),
        r"database \"[^\"]*\" does not exist",
        DatabaseFault("does not exist", "Correct NAME in DATABASES, or create it.", is_permanent=True),
    ),
    (
        ("42501",),
        r"permission denied for",
        DatabaseFault(
            "denies a required privilege",
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
            "is read-only",
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
            "cannot give the pool a connection",
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
        ("57P", "08", "25P03"),
        r"[Cc]onnection|connect to|host name|timeout expired|closed the|starting up|shutting down",
        DatabaseFault(
            "cannot be reached", "See that it runs, and that HOST and PORT are right.", is_permanent=False
        ),
    ),
)
_OTHER = DatabaseFault("rejects the statement", "", is_permanent=False)
_DOCTOR = "To find out more, run manage.py passport doctor."


def explain(error: BaseException) -> str:
    """Sentences without values of rows; only the name of the class for an error that is not known."""
    if isinstance(error, PassportEventsError):
        return str(error)
    return describe_error(error) if isinstance(error, Error) else type(error).__name__


def is_permanent(error: BaseException) -> bool:
    """True if waiting does not help.

    Expired credentials count: those in the environment are never renewed, and a restarted process reads the
    others again.
    """
    if isinstance(error, QueueUnavailable):
        return error.is_permanent
    return isinstance(error, Error) and find_fault(error).is_permanent


def describe_database() -> str:
    """Vendor, name, server and alias of the database that is written to; no user and no password.

    Raises StartFailed where DATABASES cannot be read.
    """
    alias = router.db_for_write(Heartbeat)
    found: dict[str, Any] = {}
    try:
        connection = connections[alias]
        found = connection.settings_dict
        vendor = connection.display_name
        connection.get_connection_params()  # sends nothing
    except ImproperlyConfigured as error:
        name = str(found.get("NAME") or "")
        text = str(error).replace(name, _hide_connection_string(name)) if name else str(error)
        # Not `from error`: its text can hold the password of a connection string.
        raise StartFailed(f"DATABASES[{alias!r}] cannot be used: {text}") from None
    options = found.get("OPTIONS") or {}
    name = _hide_connection_string(
        found.get("NAME") or options.get("dbname") or f"of service {options.get('service', '?')}"
    )
    if connection.vendor == "sqlite":
        return f"{vendor} database {name} (alias {alias})"
    host = strip_userinfo(str(found.get("HOST") or options.get("host") or "its local socket"))
    port = found.get("PORT") or options.get("port") or ""
    return f"{vendor} database {name} at {host}{port and f':{port}'} (alias {alias})"


def _hide_connection_string(name: object) -> str:
    """The name; a placeholder for a connection string or URL, which can hold a password."""
    text = str(name).partition("?")[0]
    return "given by a connection string" if re.search(r"(?i)@|password", text) else text


def describe_error(error: Error) -> str:
    """Sentences with the database, the cause, the class and code of the error, and what to do."""
    fault = find_fault(error)
    code = _get_sqlstate(error)
    kind = type(error).__name__ + (f" {code}" if code else "")
    return " ".join(
        filter(None, (f"{_describe_database_or_default()} {fault.text}: {kind}.", fault.way_out, _DOCTOR))
    )


def _describe_database_or_default() -> str:
    try:
        return describe_database()
    except StartFailed:
        return "The database"


def find_fault(error: Error) -> DatabaseFault:
    """Find the fault by SQLSTATE or its class, else by the words of the driver."""
    code = _get_sqlstate(error)
    for codes, _, fault in _RULES:
        if code.startswith(codes):
            return fault
    if code or isinstance(error, IntegrityError | DataError):
        return _OTHER  # its text holds values
    return next((fault for _, words, fault in _RULES if re.search(words, str(error))), _OTHER)


def _get_sqlstate(error: Error) -> str:
    """The SQLSTATE of PostgreSQL; empty for SQLite, and if no server answered."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")
