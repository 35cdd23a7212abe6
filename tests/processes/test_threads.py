"""Threads that live and die together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError

from passport_events.exceptions import QueueUnavailable, ThreadCrashed, ThreadStuck
from passport_events.processes import threads as module
from passport_events.processes.threads import STOP_SECONDS, ThreadGroup


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.01)


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What hangs goes on when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def raising(error: BaseException) -> Callable[[], None]:
    def loop() -> None:
        raise error

    return loop


def test_it_returns_when_all_that_lead_have_ended() -> None:
    loops = ThreadGroup(STOP_SECONDS)
    ended: list[object] = []
    loops.add_primary("a", ended.append, "a")
    loops.add_primary("b", ended.append, "b")
    loops.add_background("c", lambda: ended.append(loops.stopping.wait()))
    loops.run()
    assert sorted(map(str, ended)) == ["True", "a", "b"]


def test_told_to_stop_all_end() -> None:
    loops = ThreadGroup(STOP_SECONDS)
    loops.add_primary("a", loops.stopping.wait)
    threading.Timer(0.05, loops.stop).start()
    loops.run()
    assert not loops.has_failed


def test_told_to_stop_before_it_begins_nothing_waits() -> None:
    loops = ThreadGroup(STOP_SECONDS)
    loops.add_primary("a", loops.stopping.wait)
    loops.stop()
    loops.run()


@pytest.mark.parametrize("error", [QueueUnavailable("away"), OperationalError("away")])
def test_an_error_that_a_loop_gave_up_on_is_raised_itself(error: Exception) -> None:
    loops = ThreadGroup(STOP_SECONDS)
    loops.add_primary("a", raising(error))
    loops.add_primary("b", loops.stopping.wait)
    with pytest.raises(type(error)) as raised:
        loops.run()
    assert raised.value is error


@pytest.mark.parametrize("add", [ThreadGroup.add_primary, ThreadGroup.add_background])
@pytest.mark.parametrize("error", [ValueError(), MemoryError(), SystemExit(0), KeyboardInterrupt()])
def test_whatever_a_loop_dies_of_all_end_and_it_is_said(
    error: BaseException, add: Callable[..., None]
) -> None:
    """SystemExit ends a thread without a word, and with the code 0 it would look like success."""
    loops = ThreadGroup(STOP_SECONDS)
    add(loops, "a", raising(error))
    loops.add_primary("b", loops.stopping.wait)
    with pytest.raises(ThreadCrashed, match=rf"^a died of {type(error).__name__}\.$") as died:
        loops.run()
    assert died.value.__cause__ is error


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_could_not_even_say_of_what_it_died_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    fail, calls = ThreadGroup._fail, []

    def too_little_memory(self: ThreadGroup, error: BaseException) -> None:
        calls.append(error)
        if len(calls) == 1:
            raise MemoryError
        fail(self, error)

    monkeypatch.setattr(ThreadGroup, "_fail", too_little_memory)
    loops = ThreadGroup(STOP_SECONDS)
    loops.add_primary("a", raising(MemoryError()))
    loops.add_primary("b", loops.stopping.wait)
    with pytest.raises(ThreadCrashed, match=r"^a died\.$"):
        loops.run()


def test_a_thread_that_cannot_be_started_leaves_none_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if self.name == "receiver":
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    loops, ended = ThreadGroup(STOP_SECONDS), threading.Event()
    loops.add_primary("receiver", lambda: None)
    loops.add_background("heartbeat", lambda: ended.set() if loops.stopping.wait() else None)
    with pytest.raises(RuntimeError, match="can't start"):
        loops.run()
    assert ended.wait(timeout=15)


def test_when_the_watch_itself_breaks_all_end(monkeypatch: pytest.MonkeyPatch) -> None:
    loops, ended = ThreadGroup(STOP_SECONDS), threading.Event()
    loops.add_primary("a", lambda: ended.set() if loops.stopping.wait() else None)
    monkeypatch.setattr(loops.watchdog, "find_overdue", raising(MemoryError()))
    with pytest.raises(MemoryError):
        loops.run()
    assert ended.wait(timeout=15)


def test_a_loop_that_hangs_in_a_step_ends_all(
    released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_STEP_SECONDS", 0.05)
    loops, others = ThreadGroup(seconds_to_stop=0.1), []

    def hang() -> None:
        with loops.watchdog.step("storing"):
            released.wait()

    loops.add_primary("a", hang)
    loops.add_primary("b", lambda: others.append(loops.stopping.wait()))
    with pytest.raises(ThreadStuck, match=r"^a hangs: it has been storing for 0 s\.$"):
        loops.run()
    assert others == [True]


def test_steps_that_end_in_time_are_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step has its own time, however many there are, and some have more."""
    monkeypatch.setattr(module, "MAX_STEP_SECONDS", 0.2)
    loops = ThreadGroup(STOP_SECONDS)

    def work() -> None:
        for _ in range(20):
            with loops.watchdog.step("storing"):
                loops.watchdog.change_step("deleting")
                time.sleep(0.02)
        with loops.watchdog.step("receiving", longer_by=15):
            time.sleep(0.3)

    loops.add_primary("a", work)
    loops.run()
    assert not loops.has_failed


def test_what_does_not_stop_is_left_behind_and_named(released: threading.Event) -> None:
    loops = ThreadGroup(seconds_to_stop=0.05)

    def hang() -> None:
        with loops.watchdog.step("receiving"):
            released.wait()

    loops.add_primary("a", hang)
    threading.Timer(0.02, loops.stop).start()
    with pytest.raises(ThreadStuck, match=r"^a \(receiving\) did not stop within 0\.05 s\.$"):
        loops.run()


def test_the_first_error_is_told_with_what_did_not_stop_because_of_it(released: threading.Event) -> None:
    loops = ThreadGroup(seconds_to_stop=0.05)
    loops.add_primary("a", raising(QueueUnavailable("away")))
    loops.add_primary("b", released.wait)
    with pytest.raises(ThreadStuck, match=r"^b did not stop within 0\.05 s\.$") as left:
        loops.run()
    assert isinstance(left.value.__cause__, QueueUnavailable)
