"""How much a run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A run goes on until everything is published, and enough was killed and broken."""

    events: int
    """At least so many different ones are published."""
    seconds: float
    """In about so long; the drain comes on top."""
    kills: int
    """At least so many processes are killed by faults."""
    kinds: int
    """At least so many kinds of faults come."""


SIZES: Mapping[str, Size] = {
    "small": Size(events=3_500, seconds=80, kills=10, kinds=15),
    "normal": Size(events=21_000, seconds=480, kills=110, kinds=30),
    "full": Size(events=105_000, seconds=2_700, kills=520, kinds=60),
}
