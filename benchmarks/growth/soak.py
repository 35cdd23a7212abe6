"""A steady rate for a long time: memory must stay flat."""

from __future__ import annotations

import dataclasses
import http.client
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

from benchmarks.growth.scenario import BASE, contender_of
from benchmarks.throughput import events, outcome
from benchmarks.throughput.processes import Processes
from benchmarks.throughput.stack import Stack
from benchmarks.throughput.stub.server import QUEUE

RATE = 50
"""Events a second: seventy times 50,000 a day."""
SAMPLES = 60
"""How often memory is looked at."""
MOST_SECONDS = 60
"""What is not finished so long after the end was lost."""
MIB = 2**20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """What a soak showed."""

    minutes: float
    published: int
    lost: int
    memory: dict[str, list[float]]
    """MiB of each process (without children), from the first sample to the last."""

    @property
    def growth(self) -> dict[str, float]:
        """The last quarter compared with the second one, as a factor; the first is for warming up."""
        return {
            name: _mean(of[3 * len(of) // 4 :]) / _mean(of[len(of) // 4 : len(of) // 2])
            for name, of in self.memory.items()
        }


def soak(stack: Stack, minutes: float, progress: Callable[[str], None]) -> Soaked:
    """Publish at RATE for so long, and look at the memory."""
    contender = contender_of(BASE)
    count = round(minutes * 60 * RATE)
    stack.valkey.flush()
    database = stack.new_database(contender.tables)
    memory: dict[str, list[float]] = {program.name: [] for program in contender.programs}
    try:
        stack.stub.hold()
        with (
            tempfile.TemporaryDirectory(prefix="passport-bench-") as directory,
            Processes(contender, stack, database, Path(directory)) as processes,
            stack.connect(database) as connection,
            closing(http.client.HTTPConnection(stack.stub.host, stack.stub.port)) as publisher,
        ):
            stack.stub.release()
            start, sampled = time.monotonic(), 0
            for second in range(-(-count // RATE)):
                bodies = events.make(RATE, seed=second, first=second * RATE).bodies
                time.sleep(max(0.0, start + second - time.monotonic()))
                publisher.request("POST", f"/control/{QUEUE}/send", json.dumps(bodies))
                publisher.getresponse().read()
                processes.check()
                if second * SAMPLES >= sampled * minutes * 60:
                    sampled += 1
                    for name, own in memory.items():
                        own.append(psutil.Process(processes.pid_of(name)).memory_info().rss / MIB)
                    said = ", ".join(f"{name} {own[-1]:.0f} MiB" for name, own in memory.items())
                    progress(f"soak: {second} s, {said}")
            deadline = time.monotonic() + MOST_SECONDS
            while (done := outcome.finished(connection, contender.tables)[0]) < count:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.5)
    finally:
        stack.drop_database(database)
    return Soaked(minutes=minutes, published=count, lost=count - done, memory=memory)


def _mean(values: list[float]) -> float:
    return sum(values) / max(1, len(values))
