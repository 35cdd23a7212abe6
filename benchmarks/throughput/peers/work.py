"""The work of one event, with the ORM or by hand, as the harness told this process."""

from __future__ import annotations

from benchmarks.throughput.peers import place, with_orm, with_sql
from benchmarks.throughput.peers.change import read


def handle(body: str) -> None:
    """Do the work of one SNS notification."""
    (with_sql if place.is_sql() else with_orm).apply(read(body))
