"""Database functions: a value list as one parameter, a different value per row."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, CharField, F, Func, JSONField, TextField, Value
from django.db.models.functions import Cast
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler


class AnyOf(Func):
    """Test whether a field is one of many integers or strings.

    The ORM creates a placeholder for each value of an `IN`, and the driver searches each. That costs more
    than the query. So PostgreSQL gets one array parameter, formatted here because psycopg formats lists
    in Python. Its planner treats the array like an `IN`. Other databases get the ORM's `IN`.
    """

    output_field = BooleanField()

    def __init__(self, name: str, values: Collection[int] | Collection[str]) -> None:
        super().__init__(F(name))
        self.values = list(values)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **options: Any
    ) -> tuple[str, Any]:
        """Raises EmptyResultSet where there are no values, as an `IN` does."""
        return compiler.compile(In(self.get_source_expressions()[0], self.values))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **options: Any
    ) -> tuple[str, Any]:
        """Compare with a text or bigint array: a cast to `varchar(18)[]` truncates longer values."""
        if not self.values:
            raise EmptyResultSet
        column = self.get_source_expressions()[0]
        field, parameters = compiler.compile(column)
        kind = "text" if isinstance(column.output_field, CharField) else "bigint"
        return f"{field} = ANY(%s::{kind}[])", (*parameters, _format_array(self.values))


def _format_array(values: Collection[object]) -> str:
    """Format an array literal ("Array Value Input" in PostgreSQL's manual)."""
    return "{" + ",".join(str(one) if isinstance(one, int) else _quote(str(one)) for one in values) + "}"


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class PerRowValue(Func):
    """A JSON object by primary key, in one parameter; every row that is written must have one."""

    output_field = JSONField()

    def __init__(self, values: Mapping[int, Mapping[str, Any]]) -> None:
        """Objects that `json` can write. SQLite would unwrap a text or a number."""
        super().__init__(Value(json.dumps(values), output_field=TextField()), Cast(F("pk"), TextField()))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        """`jsonb` finds a key without reading the others."""
        template = "(%(expressions)s)"
        return self.as_sql(compiler, connection, template=template, arg_joiner="::jsonb -> ", **extra)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        """A key of digits alone would be a position in a list without its quotes."""
        template = "JSON_EXTRACT(%(expressions)s || '\"')"
        return self.as_sql(compiler, connection, template=template, arg_joiner=", '$.\"' || ", **extra)
