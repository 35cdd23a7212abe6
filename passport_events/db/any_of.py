"""`field IN values` for many values in one parameter."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, CharField, F, Func
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler


class AnyOf(Func):
    """Whether a field is one of many whole numbers or texts.

    The ORM makes a placeholder for each value of an `IN`, and the driver looks for each: that costs more
    than what the database does with it. So PostgreSQL gets one array, written here because psycopg
    writes lists in Python; its planner knows it as it knows an `IN`. Other databases get the ORM's `IN`.
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
        """As above. No array of the column's own type: a `varchar(18)[]` would cut what is longer."""
        if not self.values:
            raise EmptyResultSet
        column = self.get_source_expressions()[0]
        field, parameters = compiler.compile(column)
        kind = "text" if isinstance(column.output_field, CharField) else "bigint"
        return f"{field} = ANY(%s::{kind}[])", (*parameters, _array(self.values))


def _array(values: Collection[object]) -> str:
    """PostgreSQL's text form of an array ("Array Value Input" in its manual)."""
    return "{" + ",".join(str(one) if isinstance(one, int) else _quoted(str(one)) for one in values) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
