"""SQLite that waits for its turn to write in short naps.

SQLite's own waiting naps longer and longer, up to 100 ms. A process that begins its next transaction
a millisecond after its last therefore shuts out the others: workers starve the poller. Naps of a
millisecond or two give everybody about the same chance.
"""

from __future__ import annotations

import time

from django.db import OperationalError
from django.db.backends.sqlite3 import base

SHORT_WAIT_MS = 3
"""In this time SQLite naps for one and for two milliseconds."""
DEFAULT_WAIT_SECONDS = 5.0
"""Python's, where the settings name no `timeout`."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Differs from Django's in how a transaction begins, and in nothing else."""

    def _start_transaction_under_autocommit(self) -> None:
        seconds = self.settings_dict["OPTIONS"].get("timeout", DEFAULT_WAIT_SECONDS)
        deadline = time.monotonic() + seconds
        self._set_wait(SHORT_WAIT_MS)
        try:
            while True:
                try:
                    super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
                except OperationalError:
                    if time.monotonic() > deadline:
                        raise
                else:
                    return
        finally:
            self._set_wait(seconds * 1000)

    def _set_wait(self, milliseconds: float) -> None:
        self.cursor().execute(f"PRAGMA busy_timeout = {milliseconds:.0f}")
