"""Sparing Python's collector what lives as long as the process.

A Django process has a hundred thousand objects before its first message. The collector looks at all of
them once for some thousand messages, and in a forked child that copies their pages too: see
https://docs.python.org/3/library/gc.html#gc.freeze.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def freeze_startup_objects() -> Iterator[None]:
    """Leave everything that exists now alone until the end of the block."""
    is_ours = gc.get_freeze_count() == 0  # else somebody's around this one, who also ends it
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        if is_ours:
            gc.unfreeze()
