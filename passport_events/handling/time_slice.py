"""How long an RQ job goes on: until its time slice ends, or the worker is told to stop."""

from __future__ import annotations

import time
from collections.abc import Sized

REST_SECONDS = 0.02
"""After work that was less than a claim may hold: what comes meanwhile is claimed together, and needs no
child of its own. It is a part of the time from publish to processed."""
RESTING_SECONDS = 1.0
"""So old a job does not rest any more but ends: a trickle that never ends keeps no child for ever."""

_is_told_to_stop = False
"""Of this process, which has one job at a time and ends when it is told to."""


def end_now() -> None:
    """Let the job of this process begin nothing more. Safe in a signal handler, however often."""
    global _is_told_to_stop  # noqa: PLW0603  RQ's signal handlers know no job
    _is_told_to_stop = True


class TimeSlice:
    """The time of one job. It begins when it is made."""

    def __init__(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._end = self._began + seconds

    def rest(self) -> bool:
        """Wait a moment for more; False when it is another job's turn."""
        if self.is_over() or time.monotonic() - self._began > RESTING_SECONDS:
            return False
        time.sleep(REST_SECONDS)
        return True

    def is_over(self) -> bool:
        """Whether to claim nothing more."""
        return _is_told_to_stop or time.monotonic() > self._end

    def is_over_after(self, done: Sized) -> bool:
        """Whether to give the rest of a claim back, when these of it had their turn.

        One turn is always taken, however long the claim took; not when somebody waits for our end.
        """
        return _is_told_to_stop or (len(done) > 0 and self.is_over())
