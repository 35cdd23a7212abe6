"""Renew the lease of a claim while its worker is alive."""

from __future__ import annotations

import threading
from datetime import timedelta
from types import TracebackType
from typing import Self

from django.db import Error, connections

from passport_events import conf
from passport_events.handling.claim import Claim
from passport_events.handling.locks import RecordLocks
from passport_events.models import ProcessedMessage

RENEWALS_PER_LEASE = 3
"""Two renewals may fail before the lease ends."""


class LeaseKeeper:
    """Renews a lease in a background thread until the context ends or the lease is lost.

    A thread, because a handler may wait for one long statement. A stopped process (SIGSTOP, a frozen
    machine) does not renew, so that another worker takes over.
    """

    def __init__(self, claim: Claim, locks: RecordLocks) -> None:
        self._claim = claim
        self._locks = locks
        self._lease = timedelta(seconds=conf.get_settings().lease_seconds)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        self._locks.release(self._claim.records, self._claim.lease_token)

    def _run(self) -> None:
        try:
            while not self._done.wait(self._lease.total_seconds() / RENEWALS_PER_LEASE):
                try:
                    if not ProcessedMessage.objects.renew(self._claim.lease_token, self._lease):
                        return
                    self._locks.renew(self._claim.records, self._claim.lease_token, self._lease)
                except Error:
                    # The next renewal is in time, but it needs a new connection.
                    connections.close_all()
        finally:
            connections.close_all()
