"""Transactions that are always rolled back, and a recorder of their writes.

Everything on Django's connections of this thread is rolled back, on every database of the project, and
`transaction.on_commit` callbacks never run. Effects outside the process are not rolled back: mails, jobs
in Redis, files, other connections. Sequences keep their new values.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connections, transaction
from django.db.models import Model
from django.db.models.signals import post_save, pre_save

from passport_events.exact_json import is_equal
from passport_events.exceptions import OperationRefused

_WRITE = re.compile(
    r'\s*(INSERT|UPDATE|DELETE)\b(?:\s+OR\s+\w+)?(?:\s+(?:INTO|FROM|ONLY))*\s+"?([\w.]+)', re.IGNORECASE
)
_OTHER = re.compile(
    r"\s*(TRUNCATE|MERGE|COPY|ALTER|CREATE|DROP|WITH\b.*\b(?:INSERT|UPDATE|DELETE))\b",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = re.compile(
    r"(?:^|;)\s*(?:COMMIT|END|ABORT|BEGIN|START\s+TRANSACTION|PREPARE\s+TRANSACTION|ROLLBACK(?!\s+TO\b))\b",
    re.IGNORECASE,
)


@dataclasses.dataclass(slots=True)
class DatabaseWrites:
    """Writes by table and by model: names and numbers, no values."""

    rows: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    """Table and INSERT, UPDATE or DELETE -> rows."""
    created: Counter[str] = dataclasses.field(default_factory=Counter)
    changed: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    """Model -> fields whose values would change."""
    unchanged: int = 0
    """Rows that were saved without a change."""

    @property
    def is_different(self) -> bool:
        """True if a row would change."""
        return self.rows.total() > self.unchanged

    def describe(self) -> str:
        """For people."""
        rows = [f"{verb} {table} {count}" for (table, verb), count in sorted(self.rows.items())]
        fields = [f"{model}: {', '.join(sorted(names))}" for model, names in sorted(self.changed.items())]
        parts = [f"writes {', '.join(rows)}" if rows else "writes nothing"]
        if fields:
            parts.append(f"changes {'; '.join(fields)}")
        if self.unchanged:
            parts.append(f"{self.unchanged} saved as they are")
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "rows": [
                {"table": table, "verb": verb, "rows": count}
                for (table, verb), count in sorted(self.rows.items())
            ],
            "created": dict(self.created),
            "changed": {model: sorted(names) for model, names in self.changed.items()},
            "unchanged": self.unchanged,
        }


@contextlib.contextmanager
def open_sandbox() -> Iterator[None]:
    """Roll back every database at the end of the block, also after an error."""
    with contextlib.ExitStack() as stack:
        for alias in connections:
            stack.enter_context(_roll_back(alias))
            stack.enter_context(connections[alias].execute_wrapper(_refuse_ends))
        yield


@contextlib.contextmanager
def record_writes() -> Iterator[DatabaseWrites]:
    """Record the writes of this thread inside the block."""
    written = DatabaseWrites()
    saves = _SaveRecorder(written)
    with contextlib.ExitStack() as stack:
        for alias in connections:
            stack.enter_context(connections[alias].execute_wrapper(_build_recorder(written)))
        pre_save.connect(saves.record_before, weak=False)
        stack.callback(pre_save.disconnect, saves.record_before)
        post_save.connect(saves.record_after, weak=False)
        stack.callback(post_save.disconnect, saves.record_after)
        yield written


@contextlib.contextmanager
def _roll_back(alias: str) -> Iterator[None]:
    with transaction.atomic(using=alias):
        try:
            yield
        finally:
            transaction.set_rollback(True, using=alias)


def _refuse_ends(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001  Django's signature
    if _ENDS.search(str(sql)):
        raise OperationRefused("A dry run rolls back, so a handler may not end its transaction.")
    return execute(sql, params, many, context)


def _build_recorder(written: DatabaseWrites) -> Callable[..., Any]:
    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001  Django's signature
        result = execute(sql, params, many, context)
        text = str(sql)
        if found := _WRITE.match(text):
            verb, table = found[1].upper(), found[2]
            rows = context["cursor"].rowcount
            # SQLite counts the rows of RETURNING only after they were fetched.
            is_unknown = rows < 1 and "RETURNING" in text.upper()
            written.rows[table, verb] += 1 if is_unknown else max(0, rows)
        elif found := _OTHER.match(text):
            written.rows["(other SQL)", found[1].split()[0].upper()] += 1
        return result

    return note


class _SaveRecorder:
    """Records the fields that each save changes. Saves of other threads are ignored."""

    def __init__(self, written: DatabaseWrites) -> None:
        self._written = written
        self._thread = threading.get_ident()
        self._before: dict[int, dict[str, Any] | None] = {}

    def record_before(self, sender: type[Model], instance: Model, using: str, **facts: Any) -> None:
        if threading.get_ident() == self._thread:
            self._before[id(instance)] = _read_values(sender, instance, using)

    def record_after(self, sender: type[Model], instance: Model, using: str, **facts: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        old, new = self._before.pop(id(instance), None), _read_values(sender, instance, using)
        label = sender._meta.label  # noqa: SLF001  Django documents it
        if old is None or new is None:
            self._written.created[label] += 1
        elif names := {name for name, value in new.items() if not is_equal(value, old[name])}:
            self._written.changed.setdefault(label, set()).update(names)
        else:
            self._written.unchanged += 1


def _read_values(model: type[Model], instance: Model, using: str) -> dict[str, Any] | None:
    if instance.pk is None:
        return None
    rows = model._base_manager.using(using)  # noqa: SLF001  Django documents it
    return rows.filter(pk=instance.pk).values().first()
