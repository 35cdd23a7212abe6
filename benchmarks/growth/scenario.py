"""What grows, one thing at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from benchmarks.throughput.contender import Contender, Program
from benchmarks.throughput.contenders.ours import CONTENDERS
from benchmarks.throughput.events import ORGANIZATIONS, USUAL, Shape

EVENTS = 20_000
"""So many that a start is a small part of a run."""
LARGE_BODIES = 24 * 2**20
"""Bytes of all events of a run, where they are large."""
KIB = 1_024
SPARE = 64
"""Bytes that the size of a body may be off; SQS takes 1,024 KiB and not one byte more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row of the table."""

    grows: str
    """What differs from the others of its group."""
    value: str
    events: int = EVENTS
    shape: Shape = USUAL
    rows: int = 0
    """Messages that were handled before."""
    processes: int = 1
    """So many pollers, and so many workers."""


BASE = Scenario(grows="nothing", value="")
"""What all others are compared with; played before each group, because machines have moods."""


def groups(most_rows: int) -> Iterator[list[Scenario]]:
    """Every group of scenarios; `most_rows` limits the inbox."""
    rows = [count for count in (1_000_000, 5_000_000) if count <= most_rows]
    yield [Scenario(grows="rows of the inbox", value=f"{count:,}", rows=count) for count in rows]
    many = Shape(organizations=10_000)
    yield [Scenario(grows="organizations", value="10,000", shape=many, events=EVENTS)]
    yield [Scenario(grows="pollers and workers", value=f"{n} and {n}", processes=n) for n in (2, 4)]
    yield [Scenario(grows="events about one record", value="20 %", shape=Shape(hot_share=0.2))]
    # An event of all fields without its long text has 1.3 KiB.
    yield [
        Scenario(
            grows="bytes of a body",
            value=f"{size:,} KiB",
            shape=Shape(bytes=round(size * KIB) - SPARE),
            events=max(40, min(EVENTS, LARGE_BODIES // round(size * KIB))),
        )
        for size in (1.4, 16, 256, 1_024)
    ]


def contender_of(scenario: Scenario) -> Contender:
    """Ours, with so many processes."""
    ours = next(contender for contender in CONTENDERS if contender.name == "passport")
    programs = tuple(
        _numbered(program, number) for number in range(scenario.processes) for program in ours.programs
    )
    return dataclasses.replace(ours, programs=programs, receivers=ours.receivers * scenario.processes)


def more_organizations(scenario: Scenario) -> range:
    """Numbers of those that the empty database does not have yet."""
    return range(ORGANIZATIONS, scenario.shape.organizations)


def _numbered(program: Program, number: int) -> Program:
    return dataclasses.replace(program, name=f"{program.name}-{number}") if number else program
