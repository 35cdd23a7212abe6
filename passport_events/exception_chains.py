"""Walk exception groups, causes and contexts."""

from __future__ import annotations

from collections.abc import Iterator

MAX_CAUSES = 4


def iterate_leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield each exception of a group and its nested groups once, or `error` if it is not a group."""
    left, seen = [error], set[int]()
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, BaseExceptionGroup):
            left += reversed(one.exceptions)
        else:
            yield one


def get_cause(error: BaseException) -> BaseException | None:
    """Return the exception that a traceback shows above `error`, or None."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def collect_causes(error: BaseException) -> list[BaseException]:
    """`error` and the first MAX_CAUSES causes above it, the nearest first."""
    found = [error]
    while len(found) <= MAX_CAUSES:
        cause = get_cause(found[-1])
        if cause is None or any(cause is one for one in found):
            break
        found.append(cause)
    return found


def iterate_related(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and everything that led to it or is in it, each once, hidden contexts included."""
    left: list[BaseException | None] = [error]
    seen: set[int] = set()
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        left += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            left += one.exceptions
