"""A cursor whose parameters travel beside the statement, for parameters of many kilobytes.

Django has psycopg write them into the text: it escapes each byte, and PostgreSQL's parser undoes that.
For a batch of rows that costs more than to read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

try:
    import psycopg
except ImportError:  # another database, or psycopg 2, which knows only the one way
    _IN_THE_TEXT: tuple[type, ...] = ()
else:
    _IN_THE_TEXT = (psycopg.ClientCursor,)


@contextmanager
def parameters_apart(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """A cursor of Django's, with all that is wrapped around one. Nothing is prepared for the session."""
    connection.ensure_connection()
    driver: Any = connection.connection
    usual = getattr(driver, "cursor_factory", None)
    if not (isinstance(usual, type) and issubclass(usual, _IN_THE_TEXT)):
        with connection.cursor() as cursor:
            yield cursor
        return
    driver.cursor_factory = psycopg.Cursor
    try:
        cursor = connection.cursor()
    finally:
        driver.cursor_factory = usual
    with cursor:
        yield cursor
