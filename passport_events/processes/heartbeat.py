"""The process heartbeat of a poller. Writing it also proves that the database takes writes."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import Error

from passport_events import conf
from passport_events.clock import ClockTimestamp
from passport_events.models import Heartbeat

BEAT_SECONDS = 5
TIMES = ("started_at", "beaten_at", "received_at", "committed_at")
"""What the file says, by this machine's clock. `beaten_at` is when the database last took a write."""
RETENTION = timedelta(days=1)
"""A process that stopped is shown this long, so that its end can be noticed."""


@dataclasses.dataclass
class ProcessStatus:
    """What the threads of one poller last achieved. Shared between them."""

    started_at: datetime = dataclasses.field(default_factory=lambda: datetime.now(UTC))
    beaten_at: datetime | None = None
    received_at: datetime | None = None
    committed_at: datetime | None = None
    _guard: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def received(self, *, committed: bool) -> None:
        """A receive was answered; and its batch, if there was one, is committed."""
        now = datetime.now(UTC)
        with self._guard:
            self.received_at = now
            if committed:
                self.committed_at = now


class ProcessHeartbeat:
    """One row in the database, and a file where asked for."""

    def __init__(self, pulse: ProcessStatus, health_file: Path | None, kind: str = "poller") -> None:
        self._pulse = pulse
        self._file = health_file
        self._has_begun = False
        self._kind = kind
        self.name = f"{kind} {socket.gethostname()}:{os.getpid()}"

    def beat(self) -> None:
        """Write both. Raises the database's errors."""
        if self._file is not None:
            self._write_file(self._file)  # first, so that it tells of a database that does not answer
        self._write_row()
        self._pulse.beaten_at = datetime.now(UTC)

    def _write_row(self) -> None:
        beaten = {
            "beaten_at": ClockTimestamp(),
            "received_at": _convert_to_database_clock(self._pulse.received_at),
            "committed_at": _convert_to_database_clock(self._pulse.committed_at),
        }
        rows = Heartbeat.objects.filter(name=self.name)
        if not self._has_begun or not rows.update(**beaten):
            # A container's next process often has the host name and the id of the one that died.
            rows.delete()
            Heartbeat.objects.filter(beaten_at__lt=ClockTimestamp() - RETENTION).delete()
            Heartbeat.objects.create(
                name=self.name,
                kind=self._kind,
                release=conf.current().release,
                started_at=ClockTimestamp(),
                **beaten,
            )
            self._has_begun = True

    def stop(self) -> None:
        """A clean end leaves nothing that looks like a dead process."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)
        with suppress(Error):  # told to stop while the database is away: the row tells of it for a day
            Heartbeat.objects.filter(name=self.name).delete()

    def _write_file(self, file: Path) -> None:
        """Replace the file in one step, so that a probe never reads half of it."""
        times = {name: getattr(self._pulse, name) for name in TIMES}
        state = {name: moment.isoformat() if moment else None for name, moment in times.items()}
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.write_text(json.dumps({"pid": os.getpid(), **state}) + "\n")
        draft.replace(file)


def _convert_to_database_clock(moment: datetime | None) -> Any:
    """That moment by the database's clock, by which a row is judged; this machine's may be wrong."""
    return None if moment is None else ClockTimestamp() - (datetime.now(UTC) - moment)
