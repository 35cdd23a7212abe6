"""Fixtures of handling: an empty registry, locks, a clock, captured statements."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from passport_events.handling import registry
from project.embedded import ValkeyServer

if TYPE_CHECKING:
    from passport_events.handling.locks import RecordLocks


@pytest.fixture(autouse=True)
def _no_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test registers its own handlers; those of the project come back afterwards."""
    monkeypatch.setattr(registry, "_handlers", {})


@pytest.fixture
def alarm_off() -> Iterator[None]:
    """After the test; `ring` sets it."""
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause of this machine ends a shared transaction early."""
    from passport_events.handling import batch_transaction  # noqa: PLC0415  it needs Django's settings

    monkeypatch.setattr(batch_transaction, "MAX_SHARED_SECONDS", 60)


@pytest.fixture
def locks(redis_server: ValkeyServer) -> RecordLocks:
    """The locks of a worker, in an empty Redis."""
    # Not above: pytest reads this file before Django has its settings.
    from passport_events.dispatching import hints  # noqa: PLC0415
    from passport_events.handling import locks  # noqa: PLC0415
    from tests.handling.factories import OPPORTUNITIES  # noqa: PLC0415

    assert redis_server.is_running
    return locks.RecordLocks(hints.get_connection(OPPORTUNITIES))


class Statements:
    """The statements of a block, without those that only begin and end transactions."""

    _CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")

    def __init__(self) -> None:
        self._captured = CaptureQueriesContext(connection)

    def __enter__(self) -> Self:
        self._captured.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:  # noqa: PYI036  as Django annotates it
        self._captured.__exit__(*error)

    @property
    def all(self) -> list[str]:
        """Everything that went to the database."""
        return [query["sql"] for query in self._captured.captured_queries]

    @property
    def data(self) -> list[str]:
        """What reads or writes rows."""
        return [sql for sql in self.all if not sql.upper().startswith(self._CONTROL)]


@pytest.fixture
def statements() -> Statements:
    """`with statements: ...`, then `len(statements.data)`."""
    return Statements()


class Time:
    """A clock that only sleeps and tests move; `meanwhile` happens during a sleep."""

    def __init__(self) -> None:
        """At zero."""
        self.seconds = 0.0
        self.rests = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        """Seconds."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """At once."""
        self.seconds += seconds
        self.rests += 1
        self.meanwhile()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Replace the clock of `TimeBudget`."""
    from passport_events.handling import worker  # noqa: PLC0415  it needs Django's settings

    clock = Time()
    monkeypatch.setattr(worker, "time", clock)
    return clock
