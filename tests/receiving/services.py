"""A poll service that a test can start, stop and look into."""

from __future__ import annotations

import threading
from typing import Any, Self

from passport_events.receiving.poller import Limits, Poller, Totals
from passport_events.testing import FakeQueue
from tests.receiving.factories import opportunity


def fill(queue: FakeQueue, count: int) -> None:
    """Send so many events."""
    for number in range(count):
        queue.send(opportunity(number))


def service_of(queue: FakeQueue, receivers: int = 1, **limits: Any) -> Poller:
    """A service whose receivers share one queue."""
    return Poller([lambda: queue] * receivers, limits=Limits(**limits))


class Running:
    """A service in a thread; leaving the block stops it and gives its totals."""

    def __init__(self, service: Poller) -> None:
        self.service = service
        self.totals: Totals | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.totals = self.service.run()
        except BaseException as error:  # noqa: BLE001  # the test looks at it
            self.error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.service.stop()
        self._thread.join(timeout=15)
        assert not self._thread.is_alive()
