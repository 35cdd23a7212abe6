"""Every contender, in the order of the table."""

from __future__ import annotations

from benchmarks.throughput.contenders import floor, naive, ours, peers

ALL = (*naive.CONTENDERS, *peers.CONTENDERS, *floor.CONTENDERS, *ours.CONTENDERS)
BY_NAME = {contender.name: contender for contender in ALL}

__all__ = ["ALL", "BY_NAME"]
