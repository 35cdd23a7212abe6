"""Check that a function can be a handler. Imported without Django: `passport_events` exports `handles`."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from passport_events.exceptions import InvalidHandler


def get_function_name(function: Any) -> str:
    """Return module and name, also of a partial and of an object that can be called."""
    function = _unwrap(function)
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def require_callable(function: Any, parameters: tuple[str, ...]) -> None:
    """Raise InvalidHandler if a call with these positional arguments would fail or run nothing."""
    inner = _unwrap(function)
    call = inner if inspect.isroutine(inner) else getattr(type(inner), "__call__", None)  # noqa: B004
    arguments = ", ".join(parameters)
    if inspect.isclass(inner):
        _refuse(function, f"is a class, and calling it only makes an object. Write def handler({arguments})")
    if not callable(function):
        _refuse(function, f"cannot be called. Write def handler({arguments})")
    if inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(call):
        _refuse(function, "is async, and nothing awaits it. Wrap it: asgiref.sync.async_to_sync(handler)")
    if any(map(inspect.isasyncgenfunction, (inner, call))) or any(
        map(inspect.isgeneratorfunction, (inner, call))
    ):
        _refuse(function, "is a generator function, and nothing would run it. Remove `yield`")
    try:
        inspect.signature(function, follow_wrapped=False).bind(*parameters)
    except TypeError as error:
        _refuse(function, f"cannot be called with ({arguments}): {error}")
    except ValueError:
        return  # built in, without a signature


def _unwrap(function: Any) -> Any:
    while isinstance(function, functools.partial | functools.partialmethod):
        function = function.func
    return function


def _refuse(function: Any, problem: str) -> None:
    raise InvalidHandler(f"{get_function_name(function)} {problem}.")
