"""Keep database connections and pools from being shared across a fork.

Children that use their parent's socket share one PostgreSQL session: one child would commit what another,
killed child has written.
"""

from __future__ import annotations

import os
from typing import Any

from django.db import connections

_inherited_connections: list[Any] = []
"""References that keep the parent's sockets open, which the parent may still use."""


def close_database_connections() -> None:
    """Close every connection of this thread and every pool; in the parent, before a fork."""
    for alias in connections:
        connection = connections[alias]
        connection.close()
        if alias in _get_pools(connection):
            connection.close_pool()  # type: ignore[attr-defined]  # only some backends have pools


def drop_inherited_connections() -> None:
    """Forget connections and pools without closing them at the server; in the child of a fork."""
    for alias in connections:
        connection = connections[alias]
        pools = _get_pools(connection)
        _inherited_connections.append((connection, dict(pools)))
        pools.clear()
        del connections[alias]


def _get_pools(connection: Any) -> dict[str, Any]:
    """Return Django's pools by alias; only the backends of PostgreSQL and Oracle have pools."""
    found: dict[str, Any] = getattr(connection, "_connection_pools", {})
    return found


# For forks outside of `execute_job`: rqworker-pool, or a handler that uses multiprocessing. redis-py checks
# the process id itself. Only processes that import our worker classes register this.
os.register_at_fork(after_in_child=drop_inherited_connections)
