"""What a handler or a `prepare` must not return: work that never runs, and errors that were not raised."""

from __future__ import annotations

import concurrent.futures
import functools
import inspect
import io
import types
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

from passport_events.exceptions import InvalidHandlerResult

_FIRST_ERROR_STATUS = 400


def refuse_result(result: object) -> None:
    """Raise InvalidHandlerResult for a result that shows that work did not run or an error was not raised.

    Every other result is ignored, as Django ignores what a receiver of a signal returns.
    """
    refuse_unfinished(result)
    if result is False:
        raise InvalidHandlerResult(
            "The handler returned False, which is not a failure. Raise an error, Reject or Discard; "
            "or return nothing."
        )
    if isinstance(result, Iterator) and not isinstance(result, io.IOBase):
        raise InvalidHandlerResult(
            "The handler returned an iterator, which runs only where it is read. Read it in the handler."
        )
    if isinstance(result, types.FunctionType | types.MethodType | functools.partial):
        raise InvalidHandlerResult(
            "The handler returned a function, which is not called. Call it in the handler; is a decorator "
            "missing its parentheses?"
        )
    status: Any = getattr(result, "status_code", None)
    if type(status) is int and status >= _FIRST_ERROR_STATUS:
        raise InvalidHandlerResult(
            "The handler returned an HTTP response with the status of an error. Raise it: "
            "response.raise_for_status()."
        )


def refuse_unfinished(result: object) -> None:
    """Raise InvalidHandlerResult for work that nothing runs, and for errors that are not raised."""
    if isinstance(result, BaseException) or (isinstance(result, type) and issubclass(result, BaseException)):
        raise InvalidHandlerResult("The handler returned an error. Raise it: a returned one changes nothing.")
    if isinstance(result, Awaitable | AsyncIterator):
        if inspect.iscoroutine(result):
            result.close()  # or Python warns that it was never awaited
        raise InvalidHandlerResult(
            "The handler returned a coroutine or another awaitable, which nothing awaits. "
            "Wrap it: asgiref.sync.async_to_sync(...)."
        )
    if isinstance(result, types.GeneratorType):
        raise InvalidHandlerResult(
            "The handler returned a generator, which nothing runs. Remove `yield`, or run it in the handler."
        )
    if isinstance(result, concurrent.futures.Future):
        raise InvalidHandlerResult(
            "The handler returned a future, whose error nothing sees. Wait for it: future.result()."
        )
