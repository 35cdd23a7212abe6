"""The start of a process: a permanent error ends it, until what it needs has answered once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import Error

from passport_events.exceptions import PassportEventsError, QueueUnavailable, StartFailed
from passport_events.instrumentation import Notification, emit
from passport_events.processes.database_errors import describe_database, describe_error, find_fault


class Startup:
    """What has answered since the process started. Shared between its threads.

    Afterwards every error is waited out: a right may be withdrawn, or a queue be missing, for a moment of
    a deployment.
    """

    def __init__(self) -> None:
        self._answered: set[str] = set()

    def note_answer(self, need: str) -> None:
        """`need` has done what it was asked for."""
        self._answered.add(need)

    def require_hope(self, need: str, error: BaseException) -> None:
        """Raise StartFailed where `need` has not answered yet and the error is permanent."""
        if need not in self._answered and is_permanent(error):
            raise StartFailed(explain(error)) from error


def announce_start(process: str, sources: Sequence[str]) -> str:
    """Announce, and return as a sentence, what receives from where into which database.

    `sources` has one entry for each receiver. Raises StartFailed where DATABASES cannot be read.
    """
    database, places, receivers = describe_database(), "; ".join(dict.fromkeys(sources)), len(sources)
    emit(Notification.RECEIVING, process=process, sources=places, receivers=receivers, database=database)
    return f"{receivers} receiver{'' if receivers == 1 else 's'} from {places} into {database}"


def is_permanent(error: BaseException) -> bool:
    """Whether waiting does not help.

    Expired credentials count: those of the environment are never renewed, and a process that starts again
    reads the others anew.
    """
    if isinstance(error, QueueUnavailable):
        return error.is_permanent
    return isinstance(error, Error) and find_fault(error).is_permanent


def explain(error: BaseException) -> str:
    """Sentences without values of rows: ours, those about the database, else the name of the class."""
    if isinstance(error, PassportEventsError):
        return str(error)
    return describe_error(error) if isinstance(error, Error) else type(error).__name__
