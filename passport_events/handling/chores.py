"""What else is done where the dispatcher ticks: short steps of long work, in any of the processes.

What operators ask for belongs to `operating`, which imports this folder and is not imported by it; so
it registers itself here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import Error

logger = logging.getLogger(__name__)

_chores: dict[str, Callable[[], object]] = {}


def register(name: str, chore: Callable[[], object]) -> None:
    """Call `chore` about once a second in all, from any process. Two at once must do no harm."""
    _chores[name] = chore


def run() -> None:
    """Do each once. One that fails is logged, and does not stop who ticks.

    Raises the database's errors: then it is the database that is in trouble.
    """
    for name, chore in _chores.items():
        try:
            chore()
        except Error:
            raise
        except Exception:
            logger.exception("The chore %r failed", name)
