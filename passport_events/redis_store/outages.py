"""Going on without Redis, whatever it answers."""

from __future__ import annotations

from types import TracebackType

from rq.timeouts import BaseTimeoutException

from passport_events.stages import Stage, announce


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
            announce(Stage.STATE_CHANGED, what=self._what, state="here")
            return False
        if isinstance(error, BaseTimeoutException) or not isinstance(error, Exception):
            return False
        announce(Stage.STATE_CHANGED, what=self._what, state="away", reason=type(error).__name__)
        return True
