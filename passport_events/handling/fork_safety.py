"""What must not cross a fork: database connections, and Django's pools of them.

A child that uses a socket of its parent shares a session of PostgreSQL with every other child: one of
them commits what another that was killed has written.
"""

from __future__ import annotations

import os
from typing import Any

from django.db import connections

_inherited: list[Any] = []
"""Kept, so that nothing closes them: the sockets are the parent's, which may still use them."""


def close_databases() -> None:
    """In the parent, before a fork: end every connection of this thread, and every pool."""
    for alias in connections:
        connection = connections[alias]
        connection.close()
        if alias in _pools(connection):
            connection.close_pool()  # type: ignore[attr-defined]  # only some backends have pools


def leave_databases_to_parent() -> None:
    """In the child of a fork: drop connections and pools without closing them at the server."""
    for alias in connections:
        connection = connections[alias]
        pools = _pools(connection)
        _inherited.append((connection, dict(pools)))
        pools.clear()
        del connections[alias]


def _pools(connection: Any) -> dict[str, Any]:
    """Django's pools by alias; other backends than PostgreSQL's and Oracle's have none."""
    found: dict[str, Any] = getattr(connection, "_connection_pools", {})
    return found


# For forks outside of `execute_job`: rqworker-pool's workers, a handler that uses multiprocessing.
# redis-py checks the process id itself. Only processes that import our worker classes register it.
os.register_at_fork(after_in_child=leave_databases_to_parent)
