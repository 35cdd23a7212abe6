"""Every log line of the package, in one place. Ids and counts, never a payload."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import NoneType
from typing import Any
from uuid import UUID

from passport_events.instrumentation import Notification, subscribe
from passport_events.text_escaping import escape_controls

logger = logging.getLogger("passport_events")

LEVELS = {
    Notification.QUARANTINED: logging.WARNING,
    Notification.RETRYING: logging.WARNING,
    Notification.DIED: logging.ERROR,
    Notification.CRASHED: logging.ERROR,
    Notification.LEASE_LOST: logging.WARNING,
    Notification.GAVE_UP: logging.ERROR,
    Notification.OPERATED: logging.INFO,
    Notification.RECEIVING: logging.INFO,
}
"""Other stages are told at DEBUG: a healthy message makes no noise."""
MAX_FACT_CHARACTERS = 2_000
_PLAIN = (int, float, datetime, timedelta, UUID, NoneType)
"""Values whose text is their own."""

REPEAT_SECONDS = 60
"""What stays away is said again so often: who looks at the end of a log must find it."""

_states: dict[str, tuple[str, float]] = {}
_guard = threading.Lock()


def start() -> None:
    """Listen from now on."""
    subscribe(log)


def log(stage: Notification, facts: dict[str, Any]) -> None:
    """Write one line, with the facts as fields for structured formatters.

    Names of users, queues, workers and error classes are chosen by others: none of them can begin
    another line, or look like a further fact of this one.
    """
    level = (
        _level_of_change(facts) if stage is Notification.STATE_CHANGED else LEVELS.get(stage, logging.DEBUG)
    )
    if level is None or not logger.isEnabledFor(level):
        return
    safe = {name: _escape_fact(value) for name, value in facts.items()}
    text = " ".join(f"{name}={_quote(value)}" for name, value in safe.items())
    logger.log(level, "%s %s", stage.value, text, extra={"passport": {"stage": stage.value, **safe}})


def _escape_fact(value: Any) -> Any:
    """The value with every text in it escaped. Numbers, times and None stay what they are."""
    if isinstance(value, str):
        return escape_controls(value[:MAX_FACT_CHARACTERS])
    if isinstance(value, Mapping):
        return {_escape_fact(name): _escape_fact(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_escape_fact(item) for item in value]
    return value if isinstance(value, _PLAIN) else _escape_fact(str(value))


def _quote(value: Any) -> str:
    text = str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if "=" in text else text


def _level_of_change(facts: dict[str, Any]) -> int | None:
    """Say that something is away or back at each change, and once a minute while it stays away."""
    what, state = str(facts["what"]), str(facts["state"])
    with _guard:
        before, said_at = _states.get(what, ("here", 0.0))
        now = time.monotonic()
        if before == state and (state == "here" or now - said_at < REPEAT_SECONDS):
            return None
        _states[what] = (state, now)
    return logging.ERROR if state == "away" else logging.WARNING
