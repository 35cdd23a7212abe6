"""Every log line of the package, in one place. Ids and counts, never a payload."""

from __future__ import annotations

import logging
import threading
from typing import Any

from passport_events.stages import Stage, observe

logger = logging.getLogger("passport_events")

LEVELS = {
    Stage.QUARANTINED: logging.WARNING,
    Stage.RETRYING: logging.WARNING,
    Stage.DIED: logging.ERROR,
    Stage.CRASHED: logging.ERROR,
    Stage.LEASE_LOST: logging.WARNING,
    Stage.GAVE_UP: logging.ERROR,
    Stage.OPERATED: logging.INFO,
}
"""Other stages are told at DEBUG: a healthy message makes no noise."""

_states: dict[str, str] = {}
_guard = threading.Lock()


def start() -> None:
    """Listen from now on."""
    observe(log)


def log(stage: Stage, facts: dict[str, Any]) -> None:
    """Write one line, with the facts as fields for structured formatters."""
    level = _level_of_change(facts) if stage is Stage.STATE_CHANGED else LEVELS.get(stage, logging.DEBUG)
    if level is None or not logger.isEnabledFor(level):
        return
    text = " ".join(f"{name}={value}" for name, value in facts.items())
    logger.log(level, "%s %s", stage.value, text, extra={"passport": {"stage": stage.value, **facts}})


def _level_of_change(facts: dict[str, Any]) -> int | None:
    """Say that something is away or back once per change; callers announce it on every try."""
    what, state = str(facts["what"]), str(facts["state"])
    with _guard:
        before = _states.get(what, "here")
        _states[what] = state
    if before == state:
        return None
    return logging.ERROR if state == "away" else logging.WARNING
