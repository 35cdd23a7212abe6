"""Places where a test can step into a running process: a function, a statement, an announcement.

The package knows nothing of them. A name that is not there any more fails the process that should
have been struck, and with it the test.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import threading
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from passport_events.instrumentation import Notification, subscribe

Strike = Callable[[], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Before:
    """Before a function is called. `where` is `module:name` or `module:Class.name`, where it is looked up.

    With `thread`, only calls by the thread of that name count.
    """

    where: str
    thread: str = ""

    def arm(self, strike: Strike) -> None:
        """Strike there from now on."""

        def around(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            if self.thread in ("", threading.current_thread().name):
                strike()
            return function(*arguments, **options)

        _replace(self.where, around)


@dataclasses.dataclass(frozen=True, slots=True)
class After:
    """After a function has returned, if `wanted` says so of what it returned."""

    where: str
    wanted: Callable[[Any], Any] = lambda result: True

    def arm(self, strike: Strike) -> None:
        """Strike there from now on."""

        def around(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            if self.wanted(result):
                strike()
            return result

        _replace(self.where, around)


@dataclasses.dataclass(frozen=True, slots=True)
class Announced:
    """When a stage is announced, if `wanted` says so of its facts."""

    stage: Notification
    wanted: Callable[[dict[str, Any]], Any] = lambda facts: True

    def arm(self, strike: Strike) -> None:
        """Strike there from now on."""

        def hear(stage: Notification, facts: dict[str, Any]) -> None:
            if stage is self.stage and self.wanted(facts):
                strike()

        subscribe(hear)


@dataclasses.dataclass(frozen=True, slots=True)
class AfterStatement:
    """After a statement that begins like this, inside whatever transaction it is part of."""

    begins: str

    def arm(self, strike: Strike) -> None:
        """Strike there from now on."""

        def around(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
            result = execute(sql, params, many, context)
            if sql.startswith(self.begins):
                strike()
            return result

        def wrap(connection: BaseDatabaseWrapper, **facts: Any) -> None:
            if around not in connection.execute_wrappers:
                connection.execute_wrappers.append(around)

        connection_created.connect(wrap, weak=False)


Seam = Before | After | Announced | AfterStatement


def _replace(where: str, around: Callable[..., Any]) -> None:
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    function = getattr(owner, name)

    @functools.wraps(function)
    def replaced(*arguments: Any, **options: Any) -> Any:
        return around(function, *arguments, **options)

    setattr(owner, name, replaced)
