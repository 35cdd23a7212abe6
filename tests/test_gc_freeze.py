"""What lives as long as the process is set aside, and nothing else."""

from __future__ import annotations

import gc
import weakref

from passport_events.gc_freeze import freeze_startup_objects


class Knot:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.own = self


def is_looked_at(one: object) -> bool:
    return any(other is one for other in gc.get_objects())


def test_the_collector_looks_at_nothing_that_was_there_before() -> None:
    before = gc.get_freeze_count()
    old = Knot()
    with freeze_startup_objects():
        assert gc.get_freeze_count() > before + 10_000
        new = Knot()
        assert is_looked_at(new)
        assert not is_looked_at(old)
    assert gc.get_freeze_count() == before
    assert is_looked_at(old)


def test_garbage_of_the_work_is_collected_as_always() -> None:
    with freeze_startup_objects():
        knot = weakref.ref(Knot())
        gc.collect()
        assert knot() is None
