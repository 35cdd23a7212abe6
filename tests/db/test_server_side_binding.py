"""A cursor whose parameters travel beside the statement, where the driver can."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.backends.utils import CursorWrapper

from passport_events.db.bulk import open_server_side_binding_cursor

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="psycopg's ways of sending")


def test_it_is_a_cursor_of_djangos() -> None:
    seen: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note), open_server_side_binding_cursor(connection) as cursor:
        assert isinstance(cursor, CursorWrapper)
        cursor.execute("SELECT %s", ["one"])
        assert cursor.fetchone() == ("one",)
    assert seen == ["SELECT %s"]


@on_postgresql
def test_no_parameter_is_in_what_the_server_gets_as_the_statement() -> None:
    asks = "SELECT current_query(), %s::text"
    with connection.cursor() as cursor:
        cursor.execute(asks, ["O'Hara"])
        assert "O''Hara" in cursor.fetchone()[0]
    with open_server_side_binding_cursor(connection) as cursor:
        cursor.execute(asks, ["O'Hara"])
        query, value = cursor.fetchone()
    assert "Hara" not in query
    assert value == "O'Hara"


@on_postgresql
def test_the_next_cursor_is_the_usual_one_also_after_an_error() -> None:
    usual = connection.connection.cursor_factory
    with transaction.atomic(), open_server_side_binding_cursor(connection) as cursor:
        assert connection.connection.cursor_factory is usual
        with pytest.raises(DataError):
            cursor.execute("SELECT %s::int", ["none"])
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        assert type(cursor.cursor) is usual


@on_postgresql
@pytest.mark.parametrize("owner", ["a tracer", "who prepares statements"])
def test_a_connection_that_somebody_set_up_otherwise_keeps_its_cursor(
    owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.ensure_connection()
    usual = connection.connection.cursor_factory
    if owner == "a tracer":
        monkeypatch.setattr(connection.connection, "cursor_factory", type("Traced", (usual,), {}))
    else:
        monkeypatch.setattr(connection.connection, "prepare_threshold", 5)
    expected = connection.connection.cursor_factory
    with open_server_side_binding_cursor(connection) as cursor:
        assert type(cursor.cursor) is expected


@pytest.mark.django_db(transaction=True)
def test_it_opens_the_connection_that_it_needs() -> None:
    connection.close()
    with open_server_side_binding_cursor(connection) as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
