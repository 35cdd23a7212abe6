"""A second database connection, for what happens while a transaction of the test is open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


class SecondConnection:
    """A thread with its own connection, in place of another process. PostgreSQL only: SQLite has one writer."""

    # The test waits for this thread, so a lock of the test's transaction is never released meanwhile.
    LOCK_TIMEOUT = "100ms"

    def __init__(self) -> None:
        self._work: Callable[[], Any] | None = None
        self._answer: Any = None
        self._error: BaseException | None = None
        self._asked, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in this thread."""
        return threading.current_thread() is self._thread

    def run(self, work: Callable[[], Any]) -> Any:
        """Run `work` in the thread and wait for its result. Raises its error."""
        self._work, self._error, self._answer = work, None, None
        self._asked.release()
        self._done.acquire()
        if self._error is not None:
            raise self._error
        return self._answer

    def close(self) -> None:
        """End the thread and its connections."""
        self._work = None
        self._asked.release()
        self._thread.join()

    def _run(self) -> None:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{self.LOCK_TIMEOUT}'")
        while True:
            self._asked.acquire()
            if self._work is None:
                break
            try:
                self._answer = self._work()
            except BaseException as error:  # noqa: BLE001  raised where it was asked for
                self._error = error
            self._done.release()
        connection.close()
