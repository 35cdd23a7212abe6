"""Continue without Redis while it is away."""

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
    """Describe an error: its class, the server if redis-py names it, and what to do.

    The rest of the text is left out, because a response can repeat stored values.
    """
    is_of_network = isinstance(error, RedisConnectionError | RedisTimeoutError)
    found = _SERVER.search(str(error)) if is_of_network else None
    server = f" at {found[1]}" if found else ""
    kind = type(error).__name__
    return f"Redis{server} did not answer: {kind}. To find out more, run manage.py passport doctor."


class OutageGuard:
    """A context manager that ends its block at the first error, and announces that Redis is away.

    It suppresses every Exception but RQ's timeout: besides RedisError there are errors of sockets and of name
    resolution, and the response of a proxy or another server raises ValueError or TypeError.
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
