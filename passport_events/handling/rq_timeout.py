"""RQ's job timeout: an exception that a signal handler raises anywhere in a job."""

from __future__ import annotations

from contextlib import suppress

from django.db.backends.base.base import BaseDatabaseWrapper
from rq.timeouts import JobTimeoutException

from passport_events.exception_chains import iterate_related


def is_job_timeout(error: BaseException) -> bool:
    """Return whether RQ's job timeout is the error, one of its causes, or in its group."""
    return any(isinstance(one, JobTimeoutException) for one in iterate_related(error))


def cancel_statement(connection: BaseDatabaseWrapper) -> None:
    """Cancel the interrupted statement, which would go on and keep the record locked."""
    if connection.vendor == "postgresql" and connection.connection is not None:
        with suppress(Exception):  # then the statement ends by itself
            connection.connection.cancel()
