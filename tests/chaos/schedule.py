"""Which fault comes when: the same seed always gives the same kinds in the same order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos.fault import Fault

_PAUSE = (0.3, 1.5)


@dataclass(frozen=True, slots=True)
class Turn:
    """One fault, the pause before it, and the chance that it decides by."""

    fault: Fault
    pause_seconds: float
    random: Random


def schedule(faults: Sequence[Fault], seed: str) -> Iterator[Turn]:
    """Round after round without an end. Each round has every kind as often as it weighs, shuffled.

    So that a short run meets every kind once, the first round has each of them once only.
    """
    rng = Random(f"schedule/{seed}")
    every = list(faults)
    while every:
        rng.shuffle(every)
        for fault in every:
            yield Turn(fault, rng.uniform(*_PAUSE), Random(rng.getrandbits(64)))
        every = [fault for fault in faults for _ in range(fault.weight)]
