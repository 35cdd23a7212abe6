"""What becomes of a failed attempt: a pure decision."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events import conf
from passport_events.exceptions import Discard, Reject, RetryLater
from passport_events.handling.retry import (
    MAX_DEFERRED_TIME,
    Dead,
    DeferUncounted,
    Ignored,
    RetryAfter,
    RetryPolicy,
    decide,
)

HOURS_6 = timedelta(hours=6)
POLICY = RetryPolicy(15, timedelta(seconds=10), HOURS_6)

failures = st.integers(1, 10_000)
jitters = st.floats(0, 1)
seconds = st.floats(0.001, 86_400)


def test_the_settings_default_is_15_retries_from_10_seconds_to_6_hours() -> None:
    assert RetryPolicy.from_settings(conf.get_settings()) == POLICY


def test_delays_double_from_the_first_up_to_the_cap() -> None:
    delays = [POLICY.delay(failure, 0).total_seconds() for failure in range(1, 16)]

    assert delays[:4] == [10, 20, 40, 80]
    assert delays[-3:] == [21_600, 21_600, 21_600]


@given(failures, failures, jitters)
def test_more_failures_never_wait_shorter(one: int, other: int, jitter: float) -> None:
    fewer, more = sorted((one, other))

    assert POLICY.delay(fewer, jitter) <= POLICY.delay(more, jitter)


@given(failures, jitters, seconds, seconds)
def test_no_delay_is_above_the_cap(count: int, jitter: float, first: float, cap: float) -> None:
    policy = RetryPolicy(15, timedelta(seconds=first), timedelta(seconds=cap))

    assert policy.delay(count, jitter) <= timedelta(seconds=cap)


@given(failures, jitters)
def test_jitter_takes_off_at_most_half(count: int, jitter: float) -> None:
    unjittered = POLICY.delay(count, 0)

    assert unjittered / 2 <= POLICY.delay(count, jitter) <= unjittered


@given(st.integers(1, 15), jitters)
def test_an_ordinary_error_is_retried_15_times(failure: int, jitter: float) -> None:
    assert decide(ValueError(), failure, POLICY, jitter) == RetryAfter(POLICY.delay(failure, jitter))


def test_the_16th_failure_makes_a_dead_letter() -> None:
    assert decide(ValueError(), 16, POLICY, 0) == Dead("retries used up")


def test_without_retries_the_first_failure_makes_a_dead_letter() -> None:
    policy = RetryPolicy(0, timedelta(seconds=10), HOURS_6)

    assert decide(ValueError(), 1, policy, 0) == Dead("retries used up")


@pytest.mark.parametrize("delay", [90, 90.0, timedelta(seconds=90)])
def test_retry_later_names_its_own_delay(delay: float | timedelta) -> None:
    assert decide(RetryLater(delay), 3, POLICY, 1) == DeferUncounted(timedelta(seconds=90))


@pytest.mark.parametrize(
    ("asked", "delay"),
    [
        (-5, timedelta(seconds=1)),
        (timedelta.max, timedelta(days=366)),
        (timedelta.min, timedelta(seconds=1)),
    ],
)
def test_retry_later_stays_within_the_calendar(asked: float | timedelta, delay: timedelta) -> None:
    assert decide(RetryLater(asked), 3, POLICY, 1) == DeferUncounted(delay)


@given(
    failures,
    st.timedeltas(
        timedelta(0),
        MAX_DEFERRED_TIME,
    ).filter(lambda time: time < MAX_DEFERRED_TIME),
)
def test_retry_later_costs_nothing_for_a_week(count: int, put_off_for: timedelta) -> None:
    assert decide(RetryLater(90), count, POLICY, 0, put_off_for) == DeferUncounted(timedelta(seconds=90))


@pytest.mark.parametrize("put_off_for", [MAX_DEFERRED_TIME, timedelta(days=400)])
def test_then_it_counts_so_that_it_ends_too(put_off_for: timedelta) -> None:
    assert decide(RetryLater(90), 15, POLICY, 1, put_off_for) == RetryAfter(timedelta(seconds=90))
    assert decide(RetryLater(90), 16, POLICY, 1, put_off_for) == Dead("retries used up")


def test_other_errors_count_however_long_the_handler_put_it_off() -> None:
    assert decide(ValueError(), 15, POLICY, 0, timedelta(hours=1)) == RetryAfter(POLICY.delay(15, 0))
    assert decide(ValueError(), 16, POLICY, 0, timedelta(hours=1)) == Dead("retries used up")


def test_without_retry_later_the_policy_lasts_for_15_to_30_hours() -> None:
    """What an outage may last before the messages of its first minute are dead letters."""
    longest = sum((POLICY.delay(failure, 0) for failure in range(1, 16)), timedelta())
    shortest = sum((POLICY.delay(failure, 1) for failure in range(1, 16)), timedelta())

    assert longest == timedelta(hours=29, minutes=22, seconds=30)
    assert shortest == longest / 2


@pytest.mark.parametrize("failure", [1, 16])
def test_reject_makes_a_dead_letter_at_once(failure: int) -> None:
    assert decide(Reject("no such program"), failure, POLICY, 0) == Dead("rejected")


@pytest.mark.parametrize("failure", [1, 16])
def test_discard_ends_the_message_without_a_dead_letter(failure: int) -> None:
    assert decide(Discard("a test record"), failure, POLICY, 0) == Ignored()
