"""Strategies of Hypothesis that stay the same while somebody edits the tests."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]


def recursive(base: Strategy, extend: Callable[[Strategy], Strategy], max_leaves: int) -> Strategy:
    """`st.recursive`, which reads the source of a function to look for its argument.

    It finds the lines of another function where the file has changed since its import, and warns. A partial
    has no source.
    """
    return st.recursive(base, functools.partial(extend), max_leaves=max_leaves)
