"""How long a poll of ten takes, from the end of its receive to the end of its delete."""

from __future__ import annotations

import atexit
import threading
import time
from pathlib import Path
from typing import Any

from passport_events.instrumentation import Notification, subscribe
from passport_events.receiving.sqs import MAX_BATCH

_own = threading.local()
_milliseconds: list[float] = []


def write_to(path: Path) -> None:
    """Listen from now on, and write a line per poll when the process ends."""
    subscribe(_note)
    atexit.register(lambda: path.write_text("".join(f"{each:.3f}\n" for each in _milliseconds)))


def _note(stage: Notification, facts: dict[str, Any]) -> None:
    if stage is Notification.RECEIVED:
        _own.count, _own.received_at = facts["count"], time.perf_counter()
    elif stage is Notification.DELETED and _own.count == MAX_BATCH:
        _milliseconds.append((time.perf_counter() - _own.received_at) * 1000)
