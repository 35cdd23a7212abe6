"""Going on without Redis, whatever it answers."""

from __future__ import annotations

import re
from types import TracebackType

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq.timeouts import BaseTimeoutException

from passport_events.instrumentation import Notification, emit

_SERVER = re.compile(
    r"(?:connecting to|reading from|writing to) (?:unix socket )?([\w.:/\[\]-]+?)\.?(?=[\s,]|$)"
)


def describe_outage(error: BaseException) -> str:
    """A sentence with the class of the error, the server where redis-py names it, and the way out.

    The rest of the error's text stays out of it: an answer may repeat what was stored.
    """
    is_of_network = isinstance(error, RedisConnectionError | RedisTimeoutError)
    found = _SERVER.search(str(error)) if is_of_network else None
    server = f" at {found[1]}" if found else ""
    kind = type(error).__name__
    return f"Redis{server} did not answer: {kind}. To find out more, run manage.py passport doctor."


class OutageGuard:
    """Ends its block at the first error of Redis, and announces which of its uses is away.

    By place and not by type: besides RedisError there are errors of sockets and of name resolution, and
    what a proxy or another kind of server answers becomes a ValueError or a TypeError. Only RQ's alarm,
    which may ring here, passes.
    """

    def __init__(self, what: str = "redis") -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> bool:
        if error is None:
            emit(Notification.STATE_CHANGED, what=self._what, state="here")
            return False
        if isinstance(error, BaseTimeoutException) or not isinstance(error, Exception):
            return False
        emit(Notification.STATE_CHANGED, what=self._what, state="away", reason=describe_outage(error))
        return True
