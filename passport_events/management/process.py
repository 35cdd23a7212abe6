"""How long-running commands stop: on a signal, and with the reason when they cannot go on."""

from __future__ import annotations

import faulthandler
import operator
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from django.core.management.base import OutputWrapper

from passport_events.exceptions import ThreadCrashed, ThreadStuck
from passport_events.handling.error_report.report import describe
from passport_events.instrumentation import Notification, emit
from passport_events.processes.errors import explain
from passport_events.text_escaping import escape_controls

EXIT_CODE = 1
GRACE_SECONDS = 5
"""The time for reporting the reason, where the log or stderr hangs too."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` at the first SIGTERM or SIGINT. Those that follow do nothing."""

    def handle_signal(number: int, frame: FrameType | None) -> None:
        # Each further signal would interrupt this handler, and many would exhaust the stack. A function of C
        # cannot be interrupted; for SIG_IGN Python prints an error if a signal is already pending.
        for each in _SIGNALS:
            signal.signal(each, operator.is_)
        stop()

    for each in _SIGNALS:
        signal.signal(each, handle_signal)


def exit_with_error(process: str, error: Exception, err: OutputWrapper) -> NoReturn:
    """Report the reason on stderr and in the log, and exit with EXIT_CODE."""
    is_stuck = isinstance(error, ThreadStuck)
    if is_stuck:
        # The stuck thread may hold any lock: of a log handler, of stderr, of the import system.
        _exit_after_grace()
    reason = explain(error)
    emit(Notification.GAVE_UP, process=process, reason=reason)
    err.write(f"{process} gave up: {escape_controls(reason)}")
    if isinstance(error, ThreadCrashed) and error.__cause__ is not None:
        err.write(describe(error.__cause__, ()).frames)
    if is_stuck:
        faulthandler.dump_traceback(sys.__stderr__ or 2)  # names of functions, no values
        os._exit(EXIT_CODE)
    sys.exit(EXIT_CODE)


def _exit_after_grace() -> None:
    timer = threading.Timer(GRACE_SECONDS, os._exit, (EXIT_CODE,))
    timer.daemon = True
    timer.start()
