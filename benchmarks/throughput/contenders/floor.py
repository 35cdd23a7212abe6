"""The floor of this machine, by the usual client."""

from __future__ import annotations

from benchmarks.throughput.contender import Contender, Program, Side

CONTENDERS = (
    Contender(
        name="floor",
        title="floor: bare boto3 and psycopg, 2 processes, 2 statements for 10",
        side=Side.FLOOR,
        programs=tuple(
            Program(name=f"floor-{number}", arguments=("-m", "benchmarks.throughput.peers.floor"))
            for number in (1, 2)
        ),
        receivers=2,
        events=10_000,
        quick_events=3_000,
        missing="everything: no handler, no retry, no state, no bad input, no lease, no merge by field",
    ),
)
