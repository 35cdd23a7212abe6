"""Percentiles from classes that can be added up."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from passport_events.models import Delivery, ProcessedMessage
from passport_events.monitoring.durations import (
    build_duration_class,
    classify_duration,
    compute_percentiles,
    get_class_seconds,
    merge_histograms,
)
from tests.operating.inbox import end, opportunity, organization

durations = st.lists(st.floats(0.0011, 1_000_000), min_size=1, max_size=200)


def histogram(seconds: list[float]) -> dict[str, int]:
    return merge_histograms({str(classify_duration(each)): 1} for each in seconds)


@given(durations, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_right_to_six_percent(seconds: list[float], share: float) -> None:
    exact = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    (found,) = compute_percentiles(histogram(seconds), share)
    assert found == pytest.approx(exact, rel=0.062)


@given(durations, durations)
def test_those_of_two_minutes_are_those_of_both_together(one: list[float], other: list[float]) -> None:
    assert merge_histograms([histogram(one), histogram(other)]) == histogram(one + other)


def test_of_nothing_there_is_no_percentile() -> None:
    assert compute_percentiles({}, 0.5, 0.99) == (None, None)


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 0.0001])
def test_what_is_negative_or_next_to_nothing_is_short(seconds: float) -> None:
    assert get_class_seconds(classify_duration(seconds)) == pytest.approx(0.001, rel=0.1)


@pytest.mark.django_db
@pytest.mark.parametrize("milliseconds", [-9_000, 0, 3, 47, 1_001, 59_990, 3_600_500, 90_000_000])
def test_the_database_puts_a_duration_into_the_same_class(milliseconds: int) -> None:
    organization()
    message = end(opportunity(), "succeeded")  # type: ignore[arg-type]
    now = timezone.now()
    Delivery.objects.update(published_at=now - timedelta(milliseconds=milliseconds))
    ProcessedMessage.objects.update(finished_at=now)
    found = ProcessedMessage.objects.annotate(
        it=build_duration_class("finished_at", "delivery__published_at")
    )
    assert found.values_list("it", flat=True).get(pk=message.pk) == classify_duration(milliseconds / 1000)
