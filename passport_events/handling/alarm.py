"""RQ's alarm, which rings in a job that takes too long: as an exception, wherever the job is."""

from __future__ import annotations

from contextlib import suppress

from django.db.backends.base.base import BaseDatabaseWrapper
from rq.timeouts import JobTimeoutException


def is_alarm(error: BaseException | None) -> bool:
    """Whether RQ's alarm is behind an error; a library may have made another one of it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, JobTimeoutException):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def stop_statement(connection: BaseDatabaseWrapper) -> None:
    """Stop what it interrupted, which otherwise runs on and still holds the record's lock."""
    if connection.vendor == "postgresql" and connection.connection is not None:
        with suppress(Exception):  # then it ends by itself
            connection.connection.cancel()
