"""Threads that live and die together: one that dies or hangs ends the whole process, with the reason.

The thread that calls `run` keeps the watch. It does nothing else, and nothing that can hang; and it is
the main thread, so that its own end is the end of the process too.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from django.db import Error, connections

from passport_events.exceptions import PassportEventsError, ThreadCrashed, ThreadStuck
from passport_events.processes.watchdog import Watchdog

LOOK_SECONDS = 1.0
"""How often somebody looks whether a loop hangs."""
STOP_SECONDS = 10
"""What a loop may take to end once it has to and nothing that waits holds it up."""


class ThreadGroup:
    """Some loops; each ends by itself once it `is_stopping`, and says in `watch` what may hang."""

    def __init__(self, seconds_to_stop: float) -> None:
        self.stopping = threading.Event()
        self.watch = Watchdog()
        self._seconds_to_stop = seconds_to_stop
        self._end_by: float | None = None
        self._is_told_to_stop = False
        # Neither an Event nor a lock: a signal handler may interrupt its own thread in the middle of one.
        self._bell: queue.SimpleQueue[threading.Thread | None] = queue.SimpleQueue()
        self._leading: list[threading.Thread] = []
        self._following: list[threading.Thread] = []
        self._ended_well: set[threading.Thread] = set()
        self._failure: BaseException | None = None

    def stop(self) -> None:
        """Let every loop come to its end. Safe in a signal handler, however often."""
        self._is_told_to_stop = True
        self._bell.put(None)

    @property
    def is_stopping(self) -> bool:
        """Whether to begin nothing new: as soon as a signal was heard, and `stopping` is about to be set."""
        return self._is_told_to_stop or self.stopping.is_set()

    @property
    def has_failed(self) -> bool:
        """Whether a loop died or hangs."""
        return self._failure is not None

    def add_primary(self, name: str, loop: Callable[..., object], *arguments: object) -> None:
        """Add a loop, for which the others go on."""
        self._leading.append(self._thread(name, loop, *arguments))

    def add_background(self, name: str, loop: Callable[..., object]) -> None:
        """Add a loop that has to end when those that lead have ended."""
        self._following.append(self._thread(name, loop))

    def run(self) -> None:
        """Return when all loops have ended by themselves.

        Raises the database's errors and this package's that ended one of them, LoopDied for any
        other, and LoopHangs when one hangs; it may be there still.
        """
        every = [*self._following, *self._leading]
        try:
            if self._is_told_to_stop:
                self._begin_to_stop()
            for thread in every:
                thread.start()
            while any(thread.is_alive() for thread in every):
                self._look(every)
        finally:
            self.stopping.set()  # also when the watch itself breaks
        self._note_deaths(every)
        if self._failure is not None:
            raise self._failure

    def _thread(self, name: str, loop: Callable[..., object], *arguments: object) -> threading.Thread:
        # A daemon, because a thread that hangs would keep the process from ending.
        return threading.Thread(target=self._guarded, args=(loop, *arguments), name=name, daemon=True)

    def _guarded(self, loop: Callable[..., object], *arguments: object) -> None:
        try:
            loop(*arguments)
            self._ended_well.add(threading.current_thread())
        except (PassportEventsError, Error) as error:
            self._fail(error)
        except BaseException as error:  # noqa: BLE001  SystemExit too: it would end this thread only
            died = ThreadCrashed(f"{threading.current_thread().name} died of {type(error).__name__}.")
            died.__cause__ = error
            self._fail(died)
        finally:
            connections.close_all()
            self._bell.put(threading.current_thread())

    def _look(self, every: list[threading.Thread]) -> None:
        with suppress(queue.Empty):
            ending = self._bell.get(timeout=LOOK_SECONDS)
            if ending is not None:
                ending.join(LOOK_SECONDS)  # it rings as the last thing it does
        self._note_deaths(every)
        for sentence in self.watch.overdue():
            self._fail(ThreadStuck(sentence))
        is_over = not any(thread.is_alive() for thread in self._leading)
        if is_over or self._is_told_to_stop or self._failure is not None:
            self._begin_to_stop()
        if self._end_by is not None and time.monotonic() > self._end_by:
            self._leave([thread for thread in every if thread.is_alive()])

    def _note_deaths(self, every: list[threading.Thread]) -> None:
        """Without memory a thread may die before it can say of what."""
        for thread in every:
            if not thread.is_alive() and thread not in self._ended_well:
                self._fail(ThreadCrashed(f"{thread.name} died."))

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error  # the first one is the cause of the others
        self.stopping.set()

    def _begin_to_stop(self) -> None:
        self.stopping.set()
        if self._end_by is None:
            self._end_by = time.monotonic() + self._seconds_to_stop

    def _leave(self, left: list[threading.Thread]) -> None:
        """Raise, although threads are left."""
        if left and isinstance(self._failure, ThreadStuck | ThreadCrashed):
            raise self._failure
        if left:
            names = " and ".join(self.watch.describe(thread.name) for thread in left)
            raise ThreadStuck(f"{names} did not stop within {self._seconds_to_stop} s.") from self._failure
