"""Many rows in one statement.

The ORM makes an object of every value and a placeholder for it, and the driver looks for each placeholder:
that costs more than everything else a batch needs. So on PostgreSQL the rows go there as one JSON parameter
of a statement that is always the same; and no value is in its text, where a tracer would see it. Other
databases get the ORM's own statements.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import connections, models, router
from django.db.models.expressions import DatabaseDefault
from django.db.models.fields import NOT_PROVIDED

from passport_events import exact_json
from passport_events.clock import ClockTimestamp
from passport_events.db.server_side_binding import open_server_side_binding_cursor

M = TypeVar("M", bound=models.Model)
T = TypeVar("T")

_CLOCK = "clock"
"""In place of a time: what the database's clock says when it comes to the row."""


def split_into_batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """At most `size` at a time: a statement has a limit of parameters, and large rows fill the memory."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def insert_many(rows: Sequence[M], *, once_by: tuple[str, ...] = ()) -> None:
    """Insert rows of one model in their order, and give them their primary keys.

    With `once_by`, fields that are unique together, the row of somebody who was first stays, and every
    other violation is still an error; then no row learns its key.
    """
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql":
        _insert_by_orm(rows, once_by)
        return
    with open_server_side_binding_cursor(connection) as cursor:
        cursor.execute(_insertion(model, once_by), [_as_json(rows, _columns_to_insert(model))])
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
            _update(model, tuple(names)), [_as_json(rows, _columns_to_update(model, tuple(names)))]
        )


def _insert_by_orm(rows: Sequence[M], once_by: tuple[str, ...]) -> None:
    # Writing fields onto themselves names the one conflict that is meant. `ignore_conflicts` names none,
    # and would swallow every violation.
    once: dict[str, Any] = {"update_conflicts": True, "unique_fields": once_by, "update_fields": once_by}
    type(rows[0])._base_manager.bulk_create(rows, **(once if once_by else {}))


@dataclasses.dataclass(frozen=True, slots=True)
class _Column:
    """How one field of a model goes through JSON into its column."""

    name: str
    type: str
    """In the set of rows that PostgreSQL makes of the JSON."""
    value: str
    """What makes the column's value of it."""
    read: Callable[[Any], Any]
    """What makes JSON of a model's instance."""

    @classmethod
    def of(cls, field: Any, vendor_type: str, value_of: Callable[[Any], Any]) -> _Column:
        """By the kind of the field."""
        name = f'"{field.column}"'
        given = f"r.{name}"
        if isinstance(field, models.DateTimeField):
            clock = f"CASE {given} WHEN '{_CLOCK}' THEN clock_timestamp() ELSE {given}::timestamptz END"
            return cls(name, "text", clock, lambda row: _moment(value_of(row)))
        if isinstance(field, models.BinaryField):
            return cls(name, "text", f"decode({given}, 'base64')", lambda row: _text(value_of(row)))
        # A varchar(n) would be cut there; the column itself refuses what is too long.
        type_ = "text" if isinstance(field, models.CharField) else vendor_type
        return cls(name, type_, given, value_of)


def _moment(value: Any) -> str | None:
    if isinstance(value, ClockTimestamp):
        return _CLOCK
    return None if value is None else str(value.isoformat())


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _as_json(rows: Sequence[models.Model], columns: Sequence[_Column]) -> str:
    reads = [(column.name.strip('"'), column.read) for column in columns]
    return exact_json.dumps([{name: read(row) for name, read in reads} for row in rows], default=str)


@functools.cache
def _columns_to_insert(model: type[models.Model]) -> tuple[_Column, ...]:
    connection = connections[router.db_for_write(model)]
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    return tuple(_Column.of(field, str(field.db_type(connection)), _reader(field)) for field in fields)


@functools.cache
def _columns_to_update(model: type[models.Model], names: tuple[str, ...]) -> tuple[_Column, ...]:
    connection = connections[router.db_for_write(model)]
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    return tuple(
        _Column.of(field, str(field.db_type(connection)), operator.attrgetter(field.attname))
        for field in fields
    )


def _reader(field: Any) -> Callable[[Any], Any]:
    """What a field of an instance puts into a new row."""
    only_reads = type(field).pre_save is models.Field.pre_save or (
        type(field) is models.DateTimeField and not (field.auto_now or field.auto_now_add)
    )
    if only_reads and field.db_default is NOT_PROVIDED:
        return operator.attrgetter(field.attname)
    return functools.partial(_before_insert, field)


def _before_insert(field: Any, row: models.Model) -> Any:
    value = field.pre_save(row, True)
    # An instance has an expression there until somebody gives it a value. Those of our models are constants.
    return field.db_default if isinstance(value, DatabaseDefault) else value


@functools.cache
def _insertion(model: type[models.Model], once_by: tuple[str, ...]) -> str:
    columns = _columns_to_insert(model)
    names, values = ", ".join(c.name for c in columns), ", ".join(c.value for c in columns)
    fields: list[Any] = [model._meta.get_field(name) for name in once_by]
    unique = ", ".join(f'"{field.column}"' for field in fields)
    ending = f"ON CONFLICT ({unique}) DO NOTHING" if once_by else f'RETURNING "{model._meta.pk.column}"'
    # The rows of a function are inserted, and returned, in its order.
    return f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {values} FROM {_given(columns)} {ending}'  # noqa: S608  names of ours


@functools.cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> str:
    pk, *columns = _columns_to_update(model, names)
    changes = ", ".join(f"{column.name} = {column.value}" for column in columns)
    table = f'"{model._meta.db_table}"'
    return f"UPDATE {table} SET {changes} FROM {_given((pk, *columns))} WHERE {table}.{pk.name} = {pk.value}"  # noqa: S608  names of ours


def _given(columns: Sequence[_Column]) -> str:
    return f"json_to_recordset(%s) AS r({', '.join(f'{column.name} {column.type}' for column in columns)})"
