"""RQ's alarm, which rings in a job that takes too long: as an exception, wherever the job is."""

from __future__ import annotations

from contextlib import suppress

from django.db.backends.base.base import BaseDatabaseWrapper
from rq.timeouts import JobTimeoutException

from passport_events.error_tree import iterate_related


def is_job_timeout(error: BaseException | None) -> bool:
    """Whether RQ's alarm is behind an error, or in a group; a library may have made another one of it."""
    return error is not None and any(isinstance(one, JobTimeoutException) for one in iterate_related(error))


def cancel_statement(connection: BaseDatabaseWrapper) -> None:
    """Stop what it interrupted, which otherwise runs on and still holds the record's lock."""
    if connection.vendor == "postgresql" and connection.connection is not None:
        with suppress(Exception):  # then it ends by itself
            connection.connection.cancel()
