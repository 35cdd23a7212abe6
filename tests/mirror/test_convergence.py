"""Any order, any duplication: the record comes out the same, and as it should."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passport_events.event import Change
from tests.mirror import promises
from tests.mirror.histories import (
    Arrival,
    Step,
    arrivals,
    deliver,
    strict_histories,
    tied_events,
    tied_histories,
    tied_over_a_compound,
    without_message_numbers,
)

pytestmark = pytest.mark.any_database

# Merging is fast; it is drawing histories that takes the time.
many = settings(max_examples=200, deadline=None)


@many
@given(arrivals(strict_histories()))
def test_any_order_and_duplication_ends_like_the_order_of_versions(arrival: Arrival) -> None:
    promises.any_arrival_ends_like_the_order_of_versions(arrival)


@many
@given(arrivals(strict_histories()))
def test_the_mirror_shows_what_a_sequential_model_shows(arrival: Arrival) -> None:
    promises.the_mirror_shows_what_happened(arrival)


@many
@given(tied_histories(max_size=4))
def test_every_permutation_of_tied_events_ends_alike(history: Sequence[Step]) -> None:
    promises.every_permutation_ends_alike(history)


@many
@given(tied_over_a_compound(max_size=3))
def test_every_permutation_of_events_tied_over_a_compound_ends_alike(history: Sequence[Step]) -> None:
    promises.every_permutation_ends_alike(history)


@many
@given(arrivals(tied_histories(max_size=8)))
def test_any_order_and_duplication_of_many_tied_events_ends_alike(arrival: Arrival) -> None:
    promises.any_arrival_ends_like_the_order_of_versions(arrival)


@many
@given(st.tuples(tied_events(max_size=6), st.permutations(range(3))))
def test_where_the_choice_between_tied_events_matters_a_re_read_is_asked_for(
    example: tuple[Sequence[Step], Sequence[int]],
) -> None:
    promises.a_tie_that_matters_is_told(example)


@many
@given(arrivals(tied_histories(max_size=8)))
def test_every_field_names_the_message_that_wrote_it(arrival: Arrival) -> None:
    promises.every_field_names_the_message_that_wrote_it(arrival)


@many
@given(arrivals(tied_histories(max_size=8)))
def test_what_was_merged_changes_nothing_when_it_comes_again(arrival: Arrival) -> None:
    promises.what_was_merged_changes_nothing_again(arrival)


def test_every_tie_of_three_events_over_one_field_ends_alike_in_every_order() -> None:
    # Random histories seldom tie three floors, so here are all of them.
    contents: list[tuple[Change, dict[str, Any], tuple[str, ...]]] = [
        (Change.UPDATED, {}, ()),
        (Change.UPDATED, {"Name": "a"}, ()),
        (Change.UPDATED, {"Name": None}, ()),
        (Change.UPDATED, {}, ("Name",)),
        (Change.DELETED, {}, ()),
        (Change.SNAPSHOT, {}, ()),
        (Change.SNAPSHOT, {"Name": "a"}, ()),
        (Change.SNAPSHOT, {"Name": None}, ()),
        (Change.SNAPSHOT, {}, ("Name",)),
    ]
    for three in itertools.product(contents, repeat=3):
        history = [
            Step(change, 1, fields, missing, twin=twin)
            for twin, (change, fields, missing) in enumerate(three)
        ]

        ends = [without_message_numbers(deliver(order)) for order in itertools.permutations(history)]

        assert all(end == ends[0] for end in ends), history
