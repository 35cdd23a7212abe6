"""Cutting up and slowing down, as values."""

from __future__ import annotations

import asyncio
import itertools
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.proxy.requests import requests
from tests.chaos.proxy.shape import CLEAR, Shape

HTTP = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world"


@given(chunk=st.binary(min_size=1), size=st.integers(0, 20))
def test_pieces_are_small_enough_and_together_the_whole(chunk: bytes, size: int) -> None:
    pieces = list(Shape(piece_bytes=size).pieces(chunk))
    assert b"".join(pieces) == chunk
    assert all(0 < len(piece) <= (size or len(chunk)) for piece in pieces)


@given(latency=st.floats(0, 2), jitter=st.floats(0, 2), seed=st.integers())
def test_a_pause_stays_within_the_jitter_and_is_never_negative(
    latency: float, jitter: float, seed: int
) -> None:
    pause = Shape(latency_seconds=latency, jitter_seconds=jitter).pause_before(Random(seed))
    assert max(0, latency - jitter) <= pause <= latency + jitter


def test_bandwidth_is_bytes_per_second_and_by_default_nothing_waits() -> None:
    assert Shape(bytes_per_second=1_000).pause_after(500) == 0.5
    assert CLEAR.pause_after(10**9) == CLEAR.pause_before(Random(0)) == 0


def read(*chunks: bytes) -> list[bytes]:
    """The requests of a client that writes these chunks, each when the one before was read, and ends."""

    async def all_of_them() -> list[bytes]:
        reader = asyncio.StreamReader()

        async def write() -> None:
            for chunk in chunks:
                reader.feed_data(chunk)
                await asyncio.sleep(0.001)
            reader.feed_eof()

        writing = asyncio.create_task(write())
        found = [request async for request in requests(reader)]
        await writing
        return found

    return asyncio.run(all_of_them())


@given(cuts=st.sets(st.integers(len(b"POST /"), len(HTTP) - 1), max_size=3))
def test_an_http_request_is_whole_however_it_was_written(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(HTTP)]
    chunks = [HTTP[begin:end] for begin, end in itertools.pairwise(edges)]
    assert read(*chunks, HTTP) == [HTTP, HTTP]


def test_anything_else_is_passed_on_as_it_comes() -> None:
    assert read(b"*1\r\n$4\r\nPING\r\n", b"*1\r\n") == [b"*1\r\n$4\r\nPING\r\n", b"*1\r\n"]


def test_an_http_client_that_ends_in_the_middle_is_passed_on_as_far_as_it_came() -> None:
    assert read(HTTP[:30]) == [HTTP[:30]]
    assert read(HTTP[:-3]) == [HTTP[:-3]]
