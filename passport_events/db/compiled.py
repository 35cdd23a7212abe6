"""Statements that the ORM writes once, for what is said for every message by itself.

It takes longer to write one than the database takes to answer it. So the first use writes it with slots for
the values, and later ones fill them.
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
    """Where a value comes later, by the name and the kind of its field."""

    def __init__(self, name: str, field: Any) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """A placeholder, and this in place of a value."""
        return "%s", [self]

    def filled(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """What the driver gets."""
        return self.output_field.get_db_prep_save(values[self.name], connection)


def make_placeholders(model: type[models.Model], *names: str) -> dict[str, Placeholder]:
    """A slot for each of these fields; a foreign key's takes the key."""
    fields = {name: model._meta.get_field(name) for name in names}
    return {name: Placeholder(name, getattr(field, "target_field", field)) for name, field in fields.items()}


class _CompiledStatement:
    """By database, and by what the database's clock is written by."""

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
    """Finds one row and locks it, with all of its columns."""

    def __init__(self, rows: Callable[[], models.QuerySet[M]], model: type[M]) -> None:
        """`rows` are those of a `select_for_update`, with slots where a value comes later."""
        self._model = model
        self._once = _CompiledStatement(model, lambda using: rows().query.get_compiler(using).as_sql())

    def get(self, **values: Any) -> M:
        """Fill the slots. Raises the model's DoesNotExist, and TransactionManagementError outside of one."""
        with self._once.run(values) as (cursor, connection):
            # The ORM looks only when it writes the statement.
            if not connection.in_atomic_block:
                raise TransactionManagementError("A lock ends with its transaction, and there is none.")
            row = cursor.fetchone()
        if row is None:
            raise self._model.DoesNotExist  # type: ignore[attr-defined]  # every model has it
        fields = self._model._meta.concrete_fields
        found = [_convert_value(value, field, connection) for value, field in zip(row, fields, strict=True)]
        return self._model.from_db(connection.alias, [field.attname for field in fields], found)


class CompiledUpdate:
    """Changes rows, and says how many."""

    def __init__(
        self, rows: Callable[[], models.QuerySet[Any]], model: type[models.Model], **changes: Any
    ) -> None:
        """`rows` and `changes` have slots where a value comes later."""

        def write(using: str) -> tuple[str, Any]:
            # As `QuerySet.update` does it.
            query: Any = rows().query.chain(UpdateQuery)
            query.add_update_values(changes)
            sql, parameters = query.get_compiler(using).as_sql()
            return sql, parameters

        self._once = _CompiledStatement(model, write)

    def run(self, **values: Any) -> int:
        """Fill the slots. Returns how many rows there were."""
        with self._once.run(values) as (cursor, _):
            return int(cursor.rowcount)


def _convert_value(value: Any, field: Any, connection: BaseDatabaseWrapper) -> Any:
    column = field.cached_col
    for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection)):
        value = convert(value, column, connection)
    return value
