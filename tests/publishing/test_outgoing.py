"""What goes into one request."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport_events.publishing.messages import (
    MAX_REQUEST_BYTES,
    MAX_REQUEST_MESSAGES,
    OutgoingMessage,
    split_into_requests,
)

from .outgoings import outgoing

SIZES = st.lists(st.integers(0, 130), max_size=30)


def of_sizes(sizes: list[int]) -> list[OutgoingMessage]:
    return [OutgoingMessage(line, "x" * size, {}) for line, size in enumerate(sizes, 1)]


@given(SIZES, st.integers(1, 5))
def test_nothing_is_lost_doubled_or_reordered(sizes: list[int], most: int) -> None:
    messages = of_sizes(sizes)
    assert [message for batch in split_into_requests(messages, most, 100) for message in batch] == messages


@given(SIZES, st.integers(1, 5))
def test_no_request_is_over_a_limit_but_for_one_message_alone(sizes: list[int], most: int) -> None:
    for batch in split_into_requests(of_sizes(sizes), most, 100):
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(message.size for message in batch) <= 100


@given(SIZES, st.integers(1, 5))
def test_no_request_is_smaller_than_it_has_to_be(sizes: list[int], most: int) -> None:
    found = list(split_into_requests(of_sizes(sizes), most, 100))
    for batch, following in itertools.pairwise(found):
        size = sum(message.size for message in (*batch, following[0]))
        assert len(batch) == most or size > 100


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1])])
def test_ten_small_messages_go_together(count: int, sizes: list[int]) -> None:
    assert [len(batch) for batch in split_into_requests(outgoing(count))] == sizes


def test_the_limits_are_those_of_sns() -> None:
    assert (MAX_REQUEST_MESSAGES, MAX_REQUEST_BYTES) == (10, 262_144)
    half = MAX_REQUEST_BYTES // 2
    assert [len(batch) for batch in split_into_requests(of_sizes([half, half, 1]))] == [2, 1]
    assert [len(batch) for batch in split_into_requests(of_sizes([half, half + 1]))] == [1, 1]


def test_the_size_is_in_bytes_and_counts_the_attributes() -> None:
    assert OutgoingMessage(1, "ü😀", {}).size == 6
    assert OutgoingMessage(1, "", {"entity": "Prüfung"}).size == len("entity") + len("String") + 8


def test_its_repr_shows_no_body() -> None:
    assert "Jane" not in repr(OutgoingMessage(1, "Jane Doe", {}))
