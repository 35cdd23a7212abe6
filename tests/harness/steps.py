"""Count executed steps, so that a test can say "twice the fields, at most 2.2 times the work" without a clock.

A step is one bytecode instruction of this thread. Work inside C is invisible to it: `name in a_list`,
`sorted`, a dict lookup. Pass names as `CountedText` to make it visible, because its comparisons and its
hash are Python code: a scan of a list of them costs steps for each item.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

MAX_GROWTH = 2.2
"""What twice the size may cost: two, and some sorting."""


class CountedText(str):
    """A text whose comparisons and hash are counted. What is cut out of it or joined to it is a plain text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return str.__ne__(self, other)

    def __lt__(self, other: str) -> bool:
        return str.__lt__(self, other)

    def __gt__(self, other: str) -> bool:
        return str.__gt__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


def count_steps(call: Callable[[], object]) -> int:
    """Call it, and return how many steps that took. Threads that it starts are not counted."""
    steps = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        steps += event == "opcode"
        return trace

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()  # a finalizer of somebody else's would be counted
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()
    return steps


def assert_linear(prepare: Callable[[int], Callable[[], object]], size: int = 500) -> None:
    """Assert that twice the size takes at most MAX_GROWTH times the steps.

    `prepare` makes the call for a size; only the call is counted. Choose a size at which what the call
    costs anyway is small.
    """
    prepare(2)()  # fills caches and finishes lazy imports
    once, twice = (count_steps(prepare(each)) for each in (size, 2 * size))
    growth = twice / once
    assert growth <= MAX_GROWTH, f"{size} took {once} steps, {2 * size} took {twice}: {growth:.2f} times"
