"""Turning this process to a PostgreSQL server that was started after its settings were read."""

from __future__ import annotations

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from project.settings import postgresql


def use_postgresql(port: int) -> None:
    """From now on the default database of this process is the server on `port`."""
    connections[DEFAULT_DB_ALIAS].close()
    settings.DATABASES[DEFAULT_DB_ALIAS] = postgresql(str(port))
    # Django fills in what an entry leaves out, and keeps the connection it made from it.
    connections.settings = connections.configure_settings(settings.DATABASES)
    del connections[DEFAULT_DB_ALIAS]
