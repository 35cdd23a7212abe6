"""The servers of a run: durable, as those of a real deployment are."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import ClassVar

from project.embedded import SqsEmulator

DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "150",
    "log_min_messages": "warning",
    "deadlock_timeout": "500ms",
}
"""What PostgreSQL does by itself, said aloud: an acknowledged commit is on the disk."""


class DurableSqs(SqsEmulator):
    """The emulator, keeping its messages over `stop`, `kill` and `restart`, as AWS keeps them.

    It saves when it is asked to end, and only then: SIGKILL would be AWS losing messages, which is
    not what is tested here.
    """

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_seconds: ClassVar[float] = 30

    def kill(self) -> None:
        """Stop, with everything saved."""
        self.stop()

    def _environment(self) -> Mapping[str, str]:
        return {**super()._environment(), "PERSIST_STATE": "1", "STATE_DIR": str(self.directory / "state")}
