"""Statements that the ORM compiles once, for queries that run for every message.

Compilation takes longer than the query. So the first use compiles the statement with placeholders, and
later uses fill them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

M = TypeVar("M", bound=models.Model)


class Placeholder(Expression):
    """A value that is known at execution, with the name and type of its field."""

    def __init__(self, name: str, field: Any) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """Return a placeholder, with this object as its parameter."""
        return "%s", [self]

    def filled(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """Return the value for the driver."""
        return self.output_field.get_db_prep_save(values[self.name], connection)


def make_placeholders(model: type[models.Model], *names: str) -> dict[str, Placeholder]:
    """Return a placeholder for each field; that of a foreign key takes the key."""
    fields = {name: model._meta.get_field(name) for name in names}
    return {name: Placeholder(name, getattr(field, "target_field", field)) for name, field in fields.items()}


class _CompiledStatement:
    """SQL per database alias and USE_TZ, on which the SQL of clock expressions depends."""

    def __init__(self, model: type[models.Model], write: Callable[[str], tuple[str, Any]]) -> None:
        self._model, self._write = model, write
        self._written: dict[tuple[str, bool], tuple[str, Sequence[Any]]] = {}

    @contextmanager
    def run(self, values: Mapping[str, Any]) -> Iterator[tuple[Any, BaseDatabaseWrapper]]:
        using = router.db_for_write(self._model)
        connection = connections[using]
        key = (using, settings.USE_TZ)
        if key not in self._written:
            self._written[key] = self._write(using)
        sql, parameters = self._written[key]
        filled = [
            each.filled(values, connection) if isinstance(each, Placeholder) else each for each in parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, filled)
            yield cursor, connection


class CompiledSelect(Generic[M]):
    """SELECT ... FOR UPDATE of one row with all of its columns."""

    def __init__(self, rows: Callable[[], models.QuerySet[M]], model: type[M]) -> None:
        """`rows` returns a `select_for_update` queryset with placeholders."""
        self._model = model
        self._once = _CompiledStatement(model, lambda using: rows().query.get_compiler(using).as_sql())

    def get(self, **values: Any) -> M:
        """Fill the placeholders. Raises DoesNotExist, or TransactionManagementError without a transaction."""
        with self._once.run(values) as (cursor, connection):
            # The ORM checks this only at compilation.
            if not connection.in_atomic_block:
                raise TransactionManagementError("A lock ends with its transaction, and there is none.")
            row = cursor.fetchone()
        if row is None:
            raise self._model.DoesNotExist  # type: ignore[attr-defined]  # every model has it
        fields = self._model._meta.concrete_fields
        found = [_convert_value(value, field, connection) for value, field in zip(row, fields, strict=True)]
        return self._model.from_db(connection.alias, [field.attname for field in fields], found)


class CompiledUpdate:
    """UPDATE of rows."""

    def __init__(
        self, rows: Callable[[], models.QuerySet[Any]], model: type[models.Model], **changes: Any
    ) -> None:
        """`rows` returns a queryset; it and `changes` may have placeholders."""

        def write(using: str) -> tuple[str, Any]:
            # As `QuerySet.update` does it.
            query: Any = rows().query.chain(UpdateQuery)
            query.add_update_values(changes)
            sql, parameters = query.get_compiler(using).as_sql()
            return sql, parameters

        self._once = _CompiledStatement(model, write)

    def run(self, **values: Any) -> int:
        """Fill the placeholders. Returns the number of rows."""
        with self._once.run(values) as (cursor, _):
            return int(cursor.rowcount)


def _convert_value(value: Any, field: Any, connection: BaseDatabaseWrapper) -> Any:
    column = field.cached_col
    for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection)):
        value = convert(value, column, connection)
    return value
