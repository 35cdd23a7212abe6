"""Decide what happens after a failed attempt; pure."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from passport_events.backoff import compute_delay
from passport_events.conf import Settings
from passport_events.exception_chains import iterate_leaves
from passport_events.exceptions import Discard, Reject, RetryLater, Verdict

MIN_REQUESTED_DELAY = timedelta(seconds=1)
"""A shorter delay, uncounted, would let one message use all of a worker's time."""
MAX_REQUESTED_DELAY = timedelta(days=366)
"""A longer delay may be out of range for a database."""
MAX_DEFERRED_TIME = timedelta(days=7)
"""RetryLater is uncounted for this time. Then it counts as an attempt, so that every message ends."""


@dataclasses.dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Number of retries, and the delays between them."""

    max_retries: int
    first_delay: timedelta
    max_delay: timedelta

    @classmethod
    def from_settings(cls, settings: Settings) -> RetryPolicy:
        """Return the policy of the settings."""
        return cls(
            settings.max_retries,
            timedelta(seconds=settings.backoff_seconds),
            timedelta(seconds=settings.backoff_max_seconds),
        )

    def delay(self, failures: int, jitter: float) -> timedelta:
        """Return the time until the next attempt after `failures` failed ones; `jitter` is from 0 to 1."""
        first, longest = self.first_delay.total_seconds(), self.max_delay.total_seconds()
        return timedelta(seconds=compute_delay(failures, first, longest, jitter))

    @property
    def total_delay(self) -> timedelta:
        """Sum of all delays of a message that never succeeds, without jitter."""
        return sum((self.delay(failures, 0) for failures in range(1, self.max_retries + 1)), timedelta(0))


@dataclasses.dataclass(frozen=True, slots=True)
class RetryAfter:
    """Retry after a delay; the attempt counts."""

    delay: timedelta


@dataclasses.dataclass(frozen=True, slots=True)
class DeferUncounted:
    """Retry after a delay; the attempt does not count."""

    delay: timedelta


@dataclasses.dataclass(frozen=True, slots=True)
class Dead:
    """Make the message a dead letter."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Ignored:
    """Set the status ignored, as the handler asked by Discard."""


Outcome = RetryAfter | DeferUncounted | Dead | Ignored


def decide(
    error: BaseException,
    failures: int,
    policy: RetryPolicy,
    jitter: float,
    put_off_for: timedelta = timedelta(0),
) -> Outcome:
    """Decide after attempt number `failures` raised `error`.

    `deferred_time` is the time since the handler first raised RetryLater. An exception group counts as a
    verdict if it has only verdicts of one kind; every other group is an error.
    """
    error = _find_verdict(error) or error
    if isinstance(error, Discard):
        return Ignored()
    if isinstance(error, Reject):
        return Dead("rejected")
    if isinstance(error, RetryLater) and put_off_for < MAX_DEFERRED_TIME:
        return DeferUncounted(_clamp_delay(error))
    if failures > policy.max_retries:
        return Dead("retries used up")
    if isinstance(error, RetryLater):
        return RetryAfter(_clamp_delay(error))
    return RetryAfter(policy.delay(failures, jitter))


def _find_verdict(error: BaseException) -> Verdict | None:
    """Return the verdict of a group; of several RetryLater, the one with the longest delay."""
    inner = list(iterate_leaves(error))
    for kind in (Discard, Reject, RetryLater):
        verdicts = [one for one in inner if isinstance(one, kind)]
        if len(verdicts) == len(inner):
            return max(verdicts, key=lambda verdict: getattr(verdict, "delay", timedelta(0)))
    return None


def _clamp_delay(error: RetryLater) -> timedelta:
    return max(MIN_REQUESTED_DELAY, min(error.delay, MAX_REQUESTED_DELAY))
