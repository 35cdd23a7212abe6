"""Where a process meets the database, Redis and SQS: there its plan is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from redis import Redis
from redis.client import Pipeline

from passport_events.testing import FakeQueue
from passport_events.wire.raw_delivery import RawDelivery
from tests.model.plans import Died, Plan, Seam


class WatchedQueue:
    """The queue of a watched process."""

    def __init__(self, queue: FakeQueue, plan: Plan) -> None:
        self._queue, self._plan = queue, plan
        self.label, self.url, self.source = queue.label, queue.url, queue.source

    def receive(self, limit: int, wait_seconds: int) -> list[RawDelivery]:
        """Receive between two seams."""
        self._plan.meet(Seam.SQS)
        received = self._queue.receive(limit, wait_seconds)
        self._plan.meet(Seam.SQS)
        return received

    def delete(self, messages: Sequence[RawDelivery]) -> list[RawDelivery]:
        """Delete between two seams."""
        self._plan.meet(Seam.SQS)
        failed = self._queue.delete(messages)
        self._plan.meet(Seam.SQS)
        return failed


@contextmanager
def watched(plan: Plan) -> Iterator[None]:
    """Let a plan speak at the seams of this thread. Whom it lets go first is not watched."""
    mine, busy = threading.get_ident(), False

    def meet(seam: Seam) -> None:
        nonlocal busy
        if threading.get_ident() == mine and not busy:
            busy = True
            try:
                plan.meet(seam)
            finally:
                busy = False

    def statement(execute: Callable[..., Any], *arguments: Any) -> Any:
        meet(Seam.BEFORE_STATEMENT)
        answer = execute(*arguments)
        meet(Seam.AFTER_STATEMENT)
        return answer

    def commit(self: BaseDatabaseWrapper) -> None:
        try:
            meet(Seam.BEFORE_COMMIT)
        except Died:
            self.rollback()  # what the server does when a connection ends
            raise
        true_commit(self)
        meet(Seam.AFTER_COMMIT)

    def asking(ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*arguments: Any, **options: Any) -> Any:
            meet(Seam.REDIS)
            return ask(*arguments, **options)

        return asked

    true_commit = BaseDatabaseWrapper.commit
    with ExitStack() as patched:
        patched.enter_context(connection.execute_wrapper(statement))
        patched.enter_context(mock.patch.object(BaseDatabaseWrapper, "commit", commit))
        for client, command in ((Redis, "execute_command"), (Pipeline, "execute")):
            ask = asking(getattr(client, command))
            patched.enter_context(mock.patch.object(client, command, ask))
        yield
