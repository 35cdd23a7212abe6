"""How a failed attempt goes on: a pure decision."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from passport_events.backoff import compute_delay
from passport_events.conf import Settings
from passport_events.error_tree import iterate_leaves
from passport_events.exceptions import Discard, Reject, RetryLater, Verdict

MIN_REQUESTED_DELAY = timedelta(seconds=1)
"""Less, at no cost, would let one message fill its worker's time."""
MAX_REQUESTED_DELAY = timedelta(days=366)
"""What RetryLater can mean; more would leave the calendar of some database."""
MAX_DEFERRED_TIME = timedelta(days=7)
"""For so long RetryLater costs nothing, however often. Then it counts, so that every message ends."""


@dataclasses.dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how long apart."""

    max_retries: int
    first_delay: timedelta
    max_delay: timedelta

    @classmethod
    def of(cls, settings: Settings) -> RetryPolicy:
        """The policy that the settings ask for."""
        return cls(
            settings.max_retries,
            timedelta(seconds=settings.backoff_seconds),
            timedelta(seconds=settings.backoff_max_seconds),
        )

    def delay(self, failures: int, jitter: float) -> timedelta:
        """Time until the next attempt after `failures` failed ones; `jitter` is from 0 to 1."""
        first, longest = self.first_delay.total_seconds(), self.max_delay.total_seconds()
        return timedelta(seconds=compute_delay(failures, first, longest, jitter))

    @property
    def total_delay(self) -> timedelta:
        """All delays of a message that never succeeds, without jitter."""
        return sum((self.delay(failures, 0) for failures in range(1, self.max_retries + 1)), timedelta(0))


@dataclasses.dataclass(frozen=True, slots=True)
class RetryAfter:
    """Wait, then try again."""

    delay: timedelta


@dataclasses.dataclass(frozen=True, slots=True)
class DeferUncounted:
    """Wait, then try again, at no cost in attempts."""

    delay: timedelta


@dataclasses.dataclass(frozen=True, slots=True)
class Dead:
    """A dead letter."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Ignored:
    """The handler wants to hear no more of it."""


Outcome = RetryAfter | DeferUncounted | Dead | Ignored


def decide(
    error: BaseException,
    failures: int,
    policy: RetryPolicy,
    jitter: float,
    put_off_for: timedelta = timedelta(0),
) -> Outcome:
    """What becomes of a message after its attempt number `failures` raised `error`.

    `deferred_time` is the time since its handler first said RetryLater. A group that holds verdicts of one
    kind and nothing else is that verdict; every other group is an error.
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
    """The verdict that a group stands for; of several RetryLater the one that waits longest."""
    inner = list(iterate_leaves(error))
    for kind in (Discard, Reject, RetryLater):
        verdicts = [one for one in inner if isinstance(one, kind)]
        if len(verdicts) == len(inner):
            return max(verdicts, key=lambda verdict: getattr(verdict, "delay", timedelta(0)))
    return None


def _clamp_delay(error: RetryLater) -> timedelta:
    return max(MIN_REQUESTED_DELAY, min(error.delay, MAX_REQUESTED_DELAY))
