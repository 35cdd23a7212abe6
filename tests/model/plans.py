"""What may happen to a process, and at which of its meetings with the database, Redis and SQS.

A plan is told of every such seam of one action. It may let the process die there, take the database or
Redis away, lose the answer to a commit, or let somebody else go first. So "between any two statements"
is a number that hypothesis draws.
"""

from __future__ import annotations

import enum
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from django.db import Error, OperationalError, connection
from redis.exceptions import ConnectionError as RedisAwayError

from tests.model.second_connection import SecondConnection


class Seam(enum.Enum):
    """Moments, each as seen from the process."""

    BEFORE_STATEMENT = "before a statement"
    AFTER_STATEMENT = "after a statement"
    BEFORE_COMMIT = "before a commit"
    AFTER_COMMIT = "after a commit"
    REDIS = "before Redis"
    SQS = "around SQS"


class Died(BaseException):
    """The process is gone. Nothing catches it, and what the process says later reaches nobody."""


def die(number: int = 0, frame: FrameType | None = None) -> NoReturn:
    """Raise Died as the handler of a signal, because only those are not taken for a handler's own error."""
    raise Died


signal.signal(signal.SIGUSR2, die)


class Plan:
    """Nothing happens. Others count the seams that concern them and act at the one they were given."""

    seams: tuple[Seam, ...] = ()
    excuses: tuple[type[BaseException], ...] = ()
    """What may come out of the action because of it. Anything else is a bug."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.met = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.at})"

    def meet(self, seam: Seam) -> None:
        """Called by `watched` at each seam."""
        if seam in self.seams:
            self.met += 1
            if self.met > self.at:
                self.act()

    def act(self) -> None:
        """What happens from the chosen seam on."""


class Dies(Plan):
    """The process ends, as by SIGKILL."""

    seams = tuple(Seam)
    excuses = (Died,)

    def act(self) -> None:
        """Stay dead: `finally` and `except` reach nobody either."""
        die()


class DatabaseAway(Plan):
    """The database does not answer any more."""

    seams = (Seam.BEFORE_STATEMENT, Seam.BEFORE_COMMIT)
    excuses = (OperationalError,)

    def act(self) -> None:
        """As psycopg says it."""
        raise OperationalError("the model took the database away")


class CommitUnanswered(Plan):
    """A commit is done, and the connection breaks before the process hears of it."""

    seams = (Seam.AFTER_COMMIT,)
    excuses = (OperationalError,)

    def act(self) -> None:
        """Once; the next connection works."""
        if self.met == self.at + 1:
            raise OperationalError("the model lost the answer to a commit")


class RedisAway(Plan):
    """Redis does not answer any more."""

    seams = (Seam.REDIS,)

    def act(self) -> None:
        """As redis-py says it."""
        raise RedisAwayError("the model took Redis away")


class Overtaken(Plan):
    """Somebody else goes first, and the process goes on afterwards. `by` says who, when it is bound."""

    seams = (Seam.BEFORE_STATEMENT, Seam.AFTER_COMMIT, Seam.REDIS, Seam.SQS)

    def __init__(self, at: int, who: str) -> None:
        super().__init__(at)
        self.who = who
        self.by: Callable[[], None] = lambda: None
        self.second_connection: SecondConnection | None = None
        self._is_over = False

    def __repr__(self) -> str:
        return f"Overtaken({self.at}, {self.who!r})"

    def act(self) -> None:
        """Once. Within a transaction the other one needs a connection of its own."""
        if self._is_over:
            return
        if connection.get_autocommit():
            self._is_over = True
            self.by()
        elif self.second_connection is not None:
            self._is_over = True
            with suppress(Error):  # it met a lock of the transaction that stands still
                self.second_connection.run(self.by)
