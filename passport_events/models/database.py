"""The database of this package's tables, and the errors that mean that it is unavailable."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError, router

from passport_events.models.message import ProcessedMessage

CONNECTION_ERRORS = (OperationalError, InterfaceError)
"""Outside a handler these are about the database, not about the message."""


def get_database_alias() -> str:
    """Return the alias that messages and records are written to."""
    return router.db_for_write(ProcessedMessage)
