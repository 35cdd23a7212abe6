"""The heartbeat of a process. Writing it also proves that the database accepts writes."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
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
"""The keys of the health file, by this machine's clock. `beaten_at` is the last write to the database."""
RETENTION = timedelta(days=1)
"""A dead process stays visible for this long, so that operators notice it."""


@dataclasses.dataclass
class ProcessStatus:
    """The last successes of a process. Shared between its threads."""

    started_at: datetime = dataclasses.field(default_factory=lambda: datetime.now(UTC))
    beaten_at: datetime | None = None
    received_at: datetime | None = None
    committed_at: datetime | None = None

    def note_receive(self, *, committed: bool) -> None:
        """Note that SQS answered a receive, and whether a batch was committed."""
        now = datetime.now(UTC)
        self.received_at = now
        if committed:
            self.committed_at = now


class ProcessHeartbeat:
    """One row in the database, and a health file if one is configured."""

    def __init__(self, status: ProcessStatus, health_file: Path | None, kind: str = "poller") -> None:
        self._status = status
        self._file = health_file
        self._has_begun = False
        self._kind = kind
        self.name = f"{kind} {socket.gethostname()}:{os.getpid()}"

    def beat(self) -> None:
        """Write the file and the row. Raises the database's errors."""
        if self._file is not None:
            self._write_file(self._file)  # first: it is written while the database is away
        self._write_row()
        self._status.beaten_at = datetime.now(UTC)

    def _write_row(self) -> None:
        beaten = {
            "beaten_at": ClockTimestamp(),
            "received_at": _convert_to_database_clock(self._status.received_at),
            "committed_at": _convert_to_database_clock(self._status.committed_at),
        }
        rows = Heartbeat.objects.filter(name=self.name)
        if not self._has_begun or not rows.update(**beaten):
            # After a restart, a process in a container often has the host name and the id of the dead one.
            rows.delete()
            Heartbeat.objects.filter(beaten_at__lt=ClockTimestamp() - RETENTION).delete()
            Heartbeat.objects.create(
                name=self.name,
                kind=self._kind,
                release=conf.get_settings().release,
                started_at=ClockTimestamp(),
                **beaten,
            )
            self._has_begun = True

    def stop(self) -> None:
        """Remove both, so that the process does not look dead."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)
        with suppress(Error):  # stopped while the database is away: the row stays for a day
            Heartbeat.objects.filter(name=self.name).delete()

    def _write_file(self, file: Path) -> None:
        """Replace the file atomically, so that a probe never reads half of it."""
        times = {name: getattr(self._status, name) for name in TIMES}
        state = {name: moment.isoformat() if moment else None for name, moment in times.items()}
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.write_text(json.dumps({"pid": os.getpid(), **state}) + "\n")
        draft.replace(file)


def _convert_to_database_clock(moment: datetime | None) -> Any:
    """The moment by the database's clock. This machine's may be wrong."""
    return None if moment is None else ClockTimestamp() - (datetime.now(UTC) - moment)
