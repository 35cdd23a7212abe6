"""A value of its own for each row, in an UPDATE that is otherwise the same for all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, JSONField, TextField, Value
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler


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
