"""Check that the result of a handler is valid, and that its transaction is intact."""

from __future__ import annotations

import concurrent.futures
import functools
import inspect
import io
import types
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.db.transaction import TransactionManagementError

from passport_events.exceptions import (
    HandlerClosedConnection,
    HandlerEndedTransaction,
    InvalidHandlerResult,
)

_FIRST_ERROR_STATUS = 400
_CLOSED_CONNECTION_TEXTS = (
    "connection is closed",
    "connection already closed",
    "closed database",
    "new connection in an atomic",
)
_NO_TRANSACTION_SQLSTATES = frozenset(
    {"25P01", "3B001"}
)  # no_active_sql_transaction, invalid_savepoint_specification
_NO_TRANSACTION_STATUS, _FAILED_TRANSACTION_STATUS = 0, 3  # libpq's transaction status, for psycopg 2 and 3


def refuse_result(result: object) -> None:
    """Raise InvalidHandlerResult for work that did not run and for an error that was not raised.

    Every other result is ignored.
    """
    refuse_unfinished(result)
    if result is False:
        raise InvalidHandlerResult(
            "The handler returned False, which is not a failure. Raise an error, Reject or Discard; "
            "or return nothing."
        )
    if isinstance(result, Iterator) and not isinstance(result, io.IOBase):
        raise InvalidHandlerResult(
            "The handler returned an iterator, which runs only where it is read. Read it in the handler."
        )
    if isinstance(result, types.FunctionType | types.MethodType | functools.partial):
        raise InvalidHandlerResult(
            "The handler returned a function, which is not called. Call it in the handler; is a decorator "
            "missing its parentheses?"
        )
    # A row of the project may have a column of this name.
    status: Any = None if isinstance(result, Model) else getattr(result, "status_code", None)
    if type(status) is int and status >= _FIRST_ERROR_STATUS:
        raise InvalidHandlerResult(
            "The handler returned an HTTP response with the status of an error. Raise it: "
            "response.raise_for_status()."
        )


def refuse_unfinished(result: object) -> None:
    """Raise InvalidHandlerResult for coroutines, generators, futures and returned errors."""
    if isinstance(result, BaseException) or (isinstance(result, type) and issubclass(result, BaseException)):
        raise InvalidHandlerResult("The handler returned an error. Raise it: a returned one changes nothing.")
    if isinstance(result, Awaitable | AsyncIterator):
        if inspect.iscoroutine(result):
            result.close()  # or Python warns that it was never awaited
        raise InvalidHandlerResult(
            "The handler returned a coroutine or another awaitable, which nothing awaits. "
            "Wrap it: asgiref.sync.async_to_sync(...)."
        )
    if isinstance(result, types.GeneratorType):
        raise InvalidHandlerResult(
            "The handler returned a generator, which nothing runs. Remove `yield`, or run it in the handler."
        )
    if isinstance(result, concurrent.futures.Future):
        raise InvalidHandlerResult(
            "The handler returned a future, whose error nothing sees. Wait for it: future.result()."
        )


def clear_errors(connection: BaseDatabaseWrapper) -> None:
    """Clear the error of an earlier transaction, which Django keeps. To be called before a handler."""
    connection.rollback_exc = None  # type: ignore[attr-defined]  # not in Django's stubs


def refuse_broken_transaction(connection: BaseDatabaseWrapper) -> None:
    """Raise if a handler has ended or broken its transaction: Django would lose its writes.

    Raises HandlerClosedConnection, HandlerEndedTransaction or TransactionManagementError.
    """
    if connection.closed_in_transaction:
        raise HandlerClosedConnection
    status, cause = _get_transaction_status(connection), getattr(connection, "rollback_exc", None)
    if status == _NO_TRANSACTION_STATUS:
        raise HandlerEndedTransaction
    if status == _FAILED_TRANSACTION_STATUS or (connection.needs_rollback and cause is not None):
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


def explain_error(error: BaseException, connection: BaseDatabaseWrapper) -> BaseException:
    """Return the error of a handler, or one that names what the handler did to its connection before."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return error
    found: DatabaseError | InterfaceError | HandlerClosedConnection | HandlerEndedTransaction = error
    if connection.closed_in_transaction and _is_about_closing(error):
        found = HandlerClosedConnection()
    elif getattr(
        error.__cause__, "sqlstate", None
    ) in _NO_TRANSACTION_SQLSTATES or "no such savepoint" in str(error):
        found = HandlerEndedTransaction()
    if found is not error:
        found.__cause__ = error
        found.__traceback__ = error.__traceback__
    return found


def _is_about_closing(error: Exception) -> bool:
    if isinstance(error, TransactionManagementError):
        return True  # Django refuses queries after the connection was closed
    return any(text in str(error) for text in _CLOSED_CONNECTION_TEXTS)


def _get_transaction_status(connection: BaseDatabaseWrapper) -> int | None:
    """Return the transaction status that the driver knows, without a query; None if it does not know."""
    raw: Any = connection.connection
    if connection.vendor == "postgresql":
        return int(raw.info.transaction_status)
    if connection.vendor == "sqlite" and not raw.in_transaction:
        return _NO_TRANSACTION_STATUS
    return None
