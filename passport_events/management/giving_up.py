"""How a process that runs for ever ends when it cannot go on: the reason on stderr and in the log, exit 1."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from typing import NoReturn

from django.core.management.base import OutputWrapper

from passport_events.escaping import escape_controls
from passport_events.exceptions import ThreadCrashed, ThreadStuck
from passport_events.handling.errors import describe
from passport_events.instrumentation import Notification, emit
from passport_events.processes.startup import explain

EXIT_CODE = 1
GRACE_SECONDS = 5
"""What saying so may take, where the log or stderr hangs as well."""


def give_up(process: str, error: Exception, err: OutputWrapper) -> NoReturn:
    """End this process."""
    is_hung = isinstance(error, ThreadStuck)
    if is_hung:
        # A thread that hangs may hold anything: the lock of a log handler, of stderr, of the import.
        _end_soon()
    reason = explain(error)
    emit(Notification.GAVE_UP, process=process, reason=reason)
    err.write(f"{process} gave up: {escape_controls(reason)}")
    if isinstance(error, ThreadCrashed) and error.__cause__ is not None:
        err.write(describe(error.__cause__, ()).frames)
    if is_hung:
        faulthandler.dump_traceback(sys.__stderr__ or 2)  # where it hangs; names of functions, no values
        os._exit(EXIT_CODE)
    sys.exit(EXIT_CODE)


def _end_soon() -> None:
    timer = threading.Timer(GRACE_SECONDS, os._exit, (EXIT_CODE,))
    timer.daemon = True
    timer.start()
