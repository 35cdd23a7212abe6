"""Another process, for what happens while a transaction of this one stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


class Aside:
    """Another process: a thread with connections of its own. SQLite, with one writer, would let it wait."""

    # What it would have to wait for never ends while the process that it overtakes stands still.
    LOCK_TIMEOUT = "100ms"

    def __init__(self) -> None:
        self._work: Callable[[], Any] | None = None
        self._answer: Any = None
        self._error: BaseException | None = None
        self._asked, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_speaking(self) -> bool:
        """Whether this is its own thread."""
        return threading.current_thread() is self._thread

    def run(self, work: Callable[[], Any]) -> Any:
        """Do it there, while this thread stands still. Raises what it raises."""
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
