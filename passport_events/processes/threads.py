"""Threads that run and end together: one that crashes or hangs ends the process, with the reason.

The thread that calls `run` watches the others. It does nothing that can hang; and it is the main thread, so
that its own crash ends the process too.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connections

from passport_events.exceptions import PassportEventsError, ThreadCrashed, ThreadStuck

CHECK_SECONDS = 1.0
"""The interval at which the watchdog is asked for hanging threads."""
STOP_SECONDS = 10
"""The time a thread may take to end after `stopping` is set, without the waits of its current step."""
MAX_STEP_SECONDS = 60
"""No step of a healthy process takes so long: a request to SQS times out after twice 15 s, a wait for a lock
after 5 s, one for Redis after 2 s. But a read timeout begins anew with every byte, and a connection to
PostgreSQL has none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What a thread is doing. The times are those of `time.monotonic`."""

    name: str
    began: float
    deadline: float


class Watchdog:
    """The current steps of threads, each set by its own thread. Needs no lock: dict operations are atomic."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    @contextmanager
    def step(self, name: str, longer_by: float = 0) -> Iterator[None]:
        """Mark this thread as in step `name` inside the block.

        It may take MAX_STEP_SECONDS, and `longer_by` seconds more where it waits on purpose.
        """
        self._begin(name, longer_by)
        try:
            yield
        finally:
            self._steps.pop(threading.current_thread().name, None)

    def change_step(self, name: str, longer_by: float = 0) -> None:
        """Change the step of this thread. Does nothing in a thread outside of a `step` block."""
        if threading.current_thread().name in self._steps:
            self._begin(name, longer_by)

    def _begin(self, name: str, longer_by: float) -> None:
        now = time.monotonic()
        self._steps[threading.current_thread().name] = Step(name, now, now + MAX_STEP_SECONDS + longer_by)

    def find_overdue(self) -> Iterator[str]:
        """Yield a sentence for each thread that hangs."""
        now = time.monotonic()
        for thread, step in list(self._steps.items()):
            if now > step.deadline:
                yield f"{thread} hangs: it has been {step.name} for {now - step.began:.0f} s."

    def describe(self, thread: str) -> str:
        """The name of a thread, and its step if it has one."""
        step = self._steps.get(thread)
        return f"{thread} ({step.name})" if step else thread


class ThreadGroup:
    """Threads that each return once `is_stopping`, and mark in `watchdog` the steps that can hang."""

    def __init__(self, seconds_to_stop: float) -> None:
        self.stopping = threading.Event()
        self.watchdog = Watchdog()
        self._seconds_to_stop = seconds_to_stop
        self._stop_deadline: float | None = None
        self._is_told_to_stop = False
        # Neither an Event nor a lock: a signal handler can interrupt its own thread while it holds one.
        self._wake_ups: queue.SimpleQueue[threading.Thread | None] = queue.SimpleQueue()
        self._primary: list[threading.Thread] = []
        self._background: list[threading.Thread] = []
        self._returned: set[threading.Thread] = set()
        self._failure: BaseException | None = None

    def stop(self) -> None:
        """Tell all threads to stop. Safe in a signal handler, and when called again."""
        self._is_told_to_stop = True
        self._wake_ups.put(None)

    @property
    def is_stopping(self) -> bool:
        """True as soon as `stop` was called, a moment before `stopping` is set. Then begin nothing new."""
        return self._is_told_to_stop or self.stopping.is_set()

    @property
    def has_failed(self) -> bool:
        """True if a thread crashed or hangs."""
        return self._failure is not None

    def add_primary(self, name: str, target: Callable[..., object], *arguments: object) -> None:
        """Add a thread that decides how long the group runs: until all primary threads have returned."""
        self._primary.append(self._create_thread(name, target, *arguments))

    def add_background(self, name: str, target: Callable[..., object]) -> None:
        """Add a thread that is told to stop when the primary threads have returned."""
        self._background.append(self._create_thread(name, target))

    def run(self) -> None:
        """Start all threads, and return when they have returned.

        Raises an error of the database or of this package that ended a thread, ThreadCrashed for any other
        error, and ThreadStuck when a thread hangs; that thread may still exist.
        """
        threads = [*self._background, *self._primary]
        try:
            if self._is_told_to_stop:
                self._begin_stop()
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                self._check(threads)
        finally:
            self.stopping.set()  # also when the check itself fails
        self._note_crashes(threads)
        if self._failure is not None:
            raise self._failure

    def _create_thread(
        self, name: str, target: Callable[..., object], *arguments: object
    ) -> threading.Thread:
        # A daemon, because a thread that hangs would keep the process from ending.
        return threading.Thread(target=self._run_guarded, args=(target, *arguments), name=name, daemon=True)

    def _run_guarded(self, target: Callable[..., object], *arguments: object) -> None:
        try:
            target(*arguments)
            self._returned.add(threading.current_thread())
        except (PassportEventsError, Error) as error:
            self._fail(error)
        except BaseException as error:  # noqa: BLE001  SystemExit too: it would end this thread only
            crash = ThreadCrashed(f"{threading.current_thread().name} died of {type(error).__name__}.")
            crash.__cause__ = error
            self._fail(crash)
        finally:
            connections.close_all()
            self._wake_ups.put(threading.current_thread())

    def _check(self, threads: list[threading.Thread]) -> None:
        with suppress(queue.Empty):
            ending = self._wake_ups.get(timeout=CHECK_SECONDS)
            if ending is not None:
                ending.join(CHECK_SECONDS)  # the wake-up is the last thing it does
        self._note_crashes(threads)
        for sentence in self.watchdog.find_overdue():
            self._fail(ThreadStuck(sentence))
        is_over = not any(thread.is_alive() for thread in self._primary)
        if is_over or self._is_told_to_stop or self._failure is not None:
            self._begin_stop()
        if self._stop_deadline is not None and time.monotonic() > self._stop_deadline:
            self._raise_for([thread for thread in threads if thread.is_alive()])

    def _note_crashes(self, threads: list[threading.Thread]) -> None:
        """Note threads that died without an error: out of memory, a thread may not even record it."""
        for thread in threads:
            if not thread.is_alive() and thread not in self._returned:
                self._fail(ThreadCrashed(f"{thread.name} died."))

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error  # the first one is the cause of the others
        self.stopping.set()

    def _begin_stop(self) -> None:
        self.stopping.set()
        if self._stop_deadline is None:
            self._stop_deadline = time.monotonic() + self._seconds_to_stop

    def _raise_for(self, alive: list[threading.Thread]) -> None:
        """Raise for the threads that did not stop in time."""
        if alive and isinstance(self._failure, ThreadStuck | ThreadCrashed):
            raise self._failure
        if alive:
            names = " and ".join(self.watchdog.describe(thread.name) for thread in alive)
            raise ThreadStuck(f"{names} did not stop within {self._seconds_to_stop} s.") from self._failure
