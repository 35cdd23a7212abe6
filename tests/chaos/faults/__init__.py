"""The catalogue of faults: `ALL` has every kind once."""

from __future__ import annotations

from tests.chaos.fault import Fault

ALL: tuple[Fault, ...] = ()
