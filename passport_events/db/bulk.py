"""Insert and update many rows in one statement.

The ORM creates an expression and a placeholder for every value, and the driver searches every placeholder.
That costs more than the rest of a batch. So PostgreSQL gets the rows as one JSON parameter of a constant
statement. The statement's text has no values, so tracers do not record them. Other databases get the
ORM's statements.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault
from django.db.models.fields import NOT_PROVIDED

from passport_events import exact_json
from passport_events.clock import ClockTimestamp

M = TypeVar("M", bound=models.Model)
T = TypeVar("T")

_CLOCK = "clock"
"""Placeholder for the time of the database's clock when it writes the row."""


def split_into_batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most `size` rows. Statements have a parameter limit, and large rows need memory."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def insert_many(rows: Sequence[M], *, once_by: tuple[str, ...] = ()) -> None:
    """Insert rows of one model in their order, and give them their primary keys.

    With `once_by` (fields with a unique constraint) an existing row stays unchanged, and rows get no
    primary key. Violations of other constraints still raise IntegrityError.
    """
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql":
        _insert_by_orm(rows, once_by)
        return
    with open_server_side_binding_cursor(connection) as cursor:
        cursor.execute(_build_insert(model, once_by), [_serialize_rows(rows, _build_insert_columns(model))])
        if not once_by:
            for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = pk


def update_many(rows: Sequence[M], names: Sequence[str]) -> None:
    """Write the named fields of rows of one model, which have primary keys."""
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql":
        model._base_manager.bulk_update(rows, names)
        return
    with open_server_side_binding_cursor(connection) as cursor:
        cursor.execute(
            _build_update(model, tuple(names)),
            [_serialize_rows(rows, _build_update_columns(model, tuple(names)))],
        )


def _insert_by_orm(rows: Sequence[M], once_by: tuple[str, ...]) -> None:
    # An update of fields with their own values names the expected conflict. `ignore_conflicts` would
    # ignore the violation of every constraint.
    once: dict[str, Any] = {"update_conflicts": True, "unique_fields": once_by, "update_fields": once_by}
    type(rows[0])._base_manager.bulk_create(rows, **(once if once_by else {}))


@dataclasses.dataclass(frozen=True, slots=True)
class _Column:
    """How one field of a model goes through JSON into its column."""

    name: str
    type: str
    """Column type in `json_to_recordset`."""
    value: str
    """SQL expression that converts it to the column's value."""
    read: Callable[[Any], Any]
    """Returns the JSON value of a model instance."""

    @classmethod
    def of(cls, field: Any, vendor_type: str, value_of: Callable[[Any], Any]) -> _Column:
        """Return the column of a field."""
        name = f'"{field.column}"'
        given = f"r.{name}"
        if isinstance(field, models.DateTimeField):
            clock = f"CASE {given} WHEN '{_CLOCK}' THEN clock_timestamp() ELSE {given}::timestamptz END"
            return cls(name, "text", clock, lambda row: _format_time(value_of(row)))
        if isinstance(field, models.BinaryField):
            return cls(name, "text", f"decode({given}, 'base64')", lambda row: _encode_bytes(value_of(row)))
        # A cast to varchar(n) truncates; the column itself raises an error for longer text.
        type_ = "text" if isinstance(field, models.CharField) else vendor_type
        return cls(name, type_, given, value_of)


def _format_time(value: Any) -> str | None:
    if isinstance(value, ClockTimestamp):
        return _CLOCK
    return None if value is None else str(value.isoformat())


def _encode_bytes(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _serialize_rows(rows: Sequence[models.Model], columns: Sequence[_Column]) -> str:
    reads = [(column.name.strip('"'), column.read) for column in columns]
    return exact_json.dumps([{name: read(row) for name, read in reads} for row in rows], default=str)


@functools.cache
def _build_insert_columns(model: type[models.Model]) -> tuple[_Column, ...]:
    connection = connections[router.db_for_write(model)]
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    return tuple(_Column.of(field, str(field.db_type(connection)), _build_reader(field)) for field in fields)


@functools.cache
def _build_update_columns(model: type[models.Model], names: tuple[str, ...]) -> tuple[_Column, ...]:
    connection = connections[router.db_for_write(model)]
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    return tuple(
        _Column.of(field, str(field.db_type(connection)), operator.attrgetter(field.attname))
        for field in fields
    )


def _build_reader(field: Any) -> Callable[[Any], Any]:
    """Return a function that reads the value of a field for INSERT."""
    only_reads = type(field).pre_save is models.Field.pre_save or (
        type(field) is models.DateTimeField and not (field.auto_now or field.auto_now_add)
    )
    if only_reads and field.db_default is NOT_PROVIDED:
        return operator.attrgetter(field.attname)
    return functools.partial(_read_before_insert, field)


def _read_before_insert(field: Any, row: models.Model) -> Any:
    value = field.pre_save(row, True)
    # An instance without a value has an expression here. The database defaults of our models are constants.
    return field.db_default if isinstance(value, DatabaseDefault) else value


@functools.cache
def _build_insert(model: type[models.Model], once_by: tuple[str, ...]) -> str:
    columns = _build_insert_columns(model)
    names, values = ", ".join(c.name for c in columns), ", ".join(c.value for c in columns)
    fields: list[Any] = [model._meta.get_field(name) for name in once_by]
    unique = ", ".join(f'"{field.column}"' for field in fields)
    ending = f"ON CONFLICT ({unique}) DO NOTHING" if once_by else f'RETURNING "{model._meta.pk.column}"'
    # PostgreSQL inserts and returns the rows of a function in their order.
    rows = _build_source(columns)
    return f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {values} FROM {rows} {ending}'  # noqa: S608  names of ours


@functools.cache
def _build_update(model: type[models.Model], names: tuple[str, ...]) -> str:
    pk, *columns = _build_update_columns(model, names)
    changes = ", ".join(f"{column.name} = {column.value}" for column in columns)
    table = f'"{model._meta.db_table}"'
    rows = _build_source((pk, *columns))
    return f"UPDATE {table} SET {changes} FROM {rows} WHERE {table}.{pk.name} = {pk.value}"  # noqa: S608  names of ours


def _build_source(columns: Sequence[_Column]) -> str:
    return f"json_to_recordset(%s) AS r({', '.join(f'{column.name} {column.type}' for column in columns)})"


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
