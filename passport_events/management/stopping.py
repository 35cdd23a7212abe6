"""How long-running commands are told to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` at the first SIGTERM or SIGINT; what runs then ends by itself."""

    def told(number: int, frame: FrameType | None) -> None:
        # Each that came now would interrupt this one, and a storm of them use up the stack.
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        stop()

    for each in _SIGNALS:
        signal.signal(each, told)
