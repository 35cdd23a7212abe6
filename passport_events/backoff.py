"""The delay before a retry: of a message, of a receive, of a request to SNS."""

from __future__ import annotations


def compute_delay(failures: int, first: float, longest: float, jitter: float) -> float:
    """The seconds to wait after so many failures in a row: `first`, doubled each time, at most `longest`.

    `jitter`, from 0 to 1, takes up to half of it off, so that what failed together does not retry together.
    """
    return min(longest, first * 2.0 ** min(failures - 1, 64)) * (1 - jitter / 2)
