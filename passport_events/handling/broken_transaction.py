"""What a handler did to the transaction that it runs in, by the name of what it did."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

from passport_events.exceptions import HandlerClosedConnection, HandlerEndedTransaction

_CLOSED = (
    "connection is closed",
    "connection already closed",
    "closed database",
    "new connection in an atomic",
)
_NO_TRANSACTION = frozenset({"25P01", "3B001"})  # no_active_sql_transaction, invalid_savepoint_specification
_IDLE, _IN_ERROR = 0, 3  # libpq's transaction status, for psycopg 2 and 3


def forget_errors(connection: BaseDatabaseWrapper) -> None:
    """Before a handler runs: Django keeps the error of an earlier transaction for ever."""
    connection.rollback_exc = None  # type: ignore[attr-defined]  # not in Django's stubs


def refuse_broken(connection: BaseDatabaseWrapper) -> None:
    """Raise where a handler has returned and its transaction is not as it was: Django would lose its writes.

    Raises HandlerClosedConnection, HandlerEndedTransaction or TransactionManagementError.
    """
    if connection.closed_in_transaction:
        raise HandlerClosedConnection
    status, cause = _status_of(connection), getattr(connection, "rollback_exc", None)
    if status == _IDLE:
        raise HandlerEndedTransaction
    if status == _IN_ERROR or (connection.needs_rollback and cause is not None):
        raise TransactionManagementError(
            "The handler caught a database error that had already undone its writes. Let it out, "
            "or put what may fail into a transaction.atomic() of its own."
        ) from cause
    if connection.needs_rollback:
        raise TransactionManagementError(
            "The handler's transaction is marked for rollback, by transaction.set_rollback(True) or by an "
            "error that left a transaction.atomic(savepoint=False) and was caught. Let the error out, "
            "raise Discard or Reject to undo all writes, or put what may fail into a transaction.atomic() "
            "of its own."
        )


def diagnose(error: BaseException, connection: BaseDatabaseWrapper) -> BaseException:
    """The error of a handler, or the one that names what the handler did to its connection before."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return error
    found: DatabaseError | InterfaceError | HandlerClosedConnection | HandlerEndedTransaction = error
    if connection.closed_in_transaction and _is_about_closing(error):
        found = HandlerClosedConnection()
    elif getattr(error.__cause__, "sqlstate", None) in _NO_TRANSACTION or "no such savepoint" in str(error):
        found = HandlerEndedTransaction()
    if found is not error:
        found.__cause__ = error
        found.__traceback__ = error.__traceback__
    return found


def _is_about_closing(error: Exception) -> bool:
    if isinstance(error, TransactionManagementError):
        return True  # the connection was closed, and Django refuses what comes next
    return any(text in str(error) for text in _CLOSED)


def _status_of(connection: BaseDatabaseWrapper) -> int | None:
    """Whether the server knows of a transaction, without asking it; None where the driver does not say."""
    raw: Any = connection.connection
    if connection.vendor == "postgresql":
        return int(raw.info.transaction_status)
    if connection.vendor == "sqlite" and not raw.in_transaction:
        return _IDLE
    return None
