"""A cursor whose parameters travel beside the statement, for parameters of many kilobytes.

Django has psycopg write them into the text: it escapes each byte, and PostgreSQL's parser undoes that.
For a batch of rows that costs more than to read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def open_server_side_binding_cursor(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """A cursor with all that Django wraps around one; the usual one where it is not Django's own."""
    connection.ensure_connection()
    driver: Any = connection.connection
    usual, apart = _find_cursor_factories(connection)
    # A tracer's factory, or the host's, may do what its owner relies on; and what is prepared for a session
    # is lost behind a pooler.
    if apart is None or driver.cursor_factory is not usual or driver.prepare_threshold is not None:
        with connection.cursor() as cursor:
            yield cursor
        return
    driver.cursor_factory = apart
    try:
        cursor = connection.cursor()
    finally:
        driver.cursor_factory = usual
    with cursor:
        yield cursor


def _find_cursor_factories(connection: BaseDatabaseWrapper) -> tuple[Any, Any]:
    """Django's two for psycopg: parameters in the text, and apart. None with another driver or database."""
    if connection.vendor != "postgresql":
        return None, None
    from django.db.backends.postgresql import base  # noqa: PLC0415  it needs the driver

    return getattr(base, "Cursor", None), getattr(base, "ServerBindingCursor", None)
