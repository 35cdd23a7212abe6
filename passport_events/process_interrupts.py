"""Tell what interrupts this process from what running code raises on its own account."""

from __future__ import annotations

import functools
import opcode
import signal
import threading
from types import CodeType, TracebackType
from typing import Any

from passport_events.exception_chains import iterate_leaves

_RAISE = opcode.opmap["RAISE_VARARGS"]
_ASYNCIO = "asyncio.runners"


def is_interrupt(error: BaseException) -> bool:
    """Return whether the process was told to stop, and `error` must pass through every handler of errors.

    True for what a signal handler raised (the cold shutdown of an RQ worker, say) and for Ctrl-C. False for
    every Exception, and for a SystemExit, KeyboardInterrupt or CancelledError that code raised by itself:
    that is an error like any other.
    """
    return any(_is_interrupt(one) for one in iterate_leaves(error) if not isinstance(one, Exception))


def _is_interrupt(error: BaseException) -> bool:
    frames = list(_iterate_frames(error.__traceback__))
    if isinstance(error, KeyboardInterrupt) and _is_ctrl_c(frames):
        return True
    handlers = {_get_code(signal.getsignal(number)) for number in signal.valid_signals()}
    return any(frame.tb_frame.f_code in handlers for frame in frames)


def _is_ctrl_c(frames: list[TracebackType]) -> bool:
    """Whether Python's own handler of SIGINT raised it: between two instructions, without a `raise`."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return False  # RQ's workers, for one, listen themselves
    if threading.current_thread() is not threading.main_thread() or not frames:
        return False
    frame = frames[-1].tb_frame
    is_raised = frame.f_code.co_code[frames[-1].tb_lasti] == _RAISE
    # asyncio turns the signal into a `raise` of its own.
    return not is_raised or frame.f_globals.get("__name__") == _ASYNCIO


def _iterate_frames(traceback: TracebackType | None) -> Any:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _get_code(handler: Any) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    function = getattr(handler, "__func__", handler)
    if not hasattr(function, "__code__"):
        function = getattr(type(handler), "__call__", None)  # noqa: B004  its code is wanted
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None
