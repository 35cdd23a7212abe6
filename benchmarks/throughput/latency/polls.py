"""How long ten messages take from the end of their receive to the end of their delete.

Also against a database 10 ms away, behind a proxy that delays every chunk: there the number of round
trips is all that counts.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.throughput.contender import Contender
from benchmarks.throughput.latency.percentiles import Percentiles
from benchmarks.throughput.run import run
from benchmarks.throughput.stack import Stack
from tests.chaos.proxy import Shape, TcpProxy

AWAY_SECONDS = 0.010
"""There and back."""
POLLS = "PASSPORT_BENCH_POLLS"
TEN = 10


def by_one_receiver(contender: Contender) -> Contender:
    """Ours with polls one after another. By default several share a transaction, and wait for it."""
    programs = tuple(
        dataclasses.replace(program, arguments=(*program.arguments, "--concurrency", "1"))
        if program.name == "poller"
        else program
        for program in contender.programs
    )
    return dataclasses.replace(contender, programs=programs, receivers=1)


def measure(stack: Stack, contender: Contender, count: int, *, is_away: bool) -> Percentiles | None:
    """Our own polls of ten."""
    return Percentiles.of(_milliseconds(stack, contender, count, is_away=is_away))


def measure_by_hand(stack: Stack, contender: Contender, count: int, *, is_away: bool) -> Percentiles | None:
    """The hand-written loop takes one at a time: ten of them in a row are its poll of ten."""
    each = _milliseconds(stack, contender, count, is_away=is_away)
    tens = [sum(each[start : start + TEN]) for start in range(0, len(each) - TEN + 1, TEN)]
    return Percentiles.of(tens)


def _milliseconds(stack: Stack, contender: Contender, count: int, *, is_away: bool) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="passport-bench-") as directory:
        path = Path(directory) / "polls"
        programs = tuple(
            dataclasses.replace(program, variables={**program.variables, POLLS: str(path)})
            if program.name == "poller"
            else program
            for program in contender.programs
        )
        timed = dataclasses.replace(contender, programs=programs)
        with _distance(stack, is_away=is_away) as port:
            run(stack, timed, count, None, postgresql_port=port)
        return [float(line) for line in path.read_text().split()]


@contextmanager
def _distance(stack: Stack, *, is_away: bool) -> Iterator[int]:
    """The port of PostgreSQL, or of a proxy before it."""
    if not is_away:
        yield stack.postgres.port
        return
    proxy = TcpProxy("postgres", stack.postgres.port)
    proxy.start()
    try:
        # It delays both ways.
        with proxy.slowed(Shape(latency_seconds=AWAY_SECONDS / 2)):
            yield proxy.port
    finally:
        proxy.close()
