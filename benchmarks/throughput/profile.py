"""Where our processes spend their time: py-spy beside the poller and the worker, and the widest frames."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.throughput import events, outcome
from benchmarks.throughput.contender import Contender
from benchmarks.throughput.processes import Processes
from benchmarks.throughput.run import wait_until_done
from benchmarks.throughput.stack import Stack

SAMPLES_PER_SECOND = 200
WIDEST = 10
_END_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Frames:
    """Shares of all samples: of what runs itself, and of what runs or waits for what it called."""

    own: list[tuple[str, float]]
    whole: list[tuple[str, float]]


def record(
    stack: Stack, contender: Contender, count: int, directory: Path, progress: Callable[[str], None]
) -> dict[str, Frames]:
    """Run a contender under py-spy. Writes `<contender>-<program>.txt`, stacks as flame graphs read them."""
    work = events.make(count)
    stack.valkey.flush()
    database = stack.new_database(contender.tables)
    directory.mkdir(parents=True, exist_ok=True)
    paths = {each.name: directory / f"{contender.name}-{each.name}.txt" for each in contender.programs}
    try:
        stack.stub.hold()
        stack.stub.load([contender.envelope(body) for body in work.bodies])
        with (
            tempfile.TemporaryDirectory(prefix="passport-bench-") as logs,
            Processes(contender, stack, database, Path(logs)) as processes,
            stack.connect(database) as connection,
        ):
            spies = [_spy(processes.pid_of(name), path) for name, path in paths.items()]
            stack.stub.release()
            wait_until_done(stack, contender, work, connection, processes)
            verdict = outcome.judge(connection, contender, work)
        # py-spy writes what it has when the process that it watches ends.
        for spy in spies:
            spy.wait(_END_SECONDS)
    finally:
        stack.drop_database(database)
    progress(f"profiled {contender.name}: {verdict}")
    return {name: widest(path.read_text()) for name, path in paths.items()}


def _spy(pid: int, path: Path) -> subprocess.Popen[bytes]:
    program = str(Path(sys.executable).with_name("py-spy"))
    options = ("--format", "raw", "--subprocesses", "--rate", str(SAMPLES_PER_SECOND), "--output", str(path))
    # --gil: only who holds the interpreter's lock. A thread that waits for a server costs nothing.
    return subprocess.Popen(
        [program, "record", "--pid", str(pid), "--gil", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def widest(collapsed: str) -> Frames:
    """From lines of `outer;inner;innermost SAMPLES`. Lines of one function are one frame."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in collapsed.splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = [_function(frame) for frame in stack.split(";") if not frame.startswith("process ")]
        if not frames:  # a process that has ended
            continue
        own[frames[-1]] += int(samples)
        for frame in set(frames):
            whole[frame] += int(samples)
    total = own.total() or 1
    return Frames(
        [(name, samples / total) for name, samples in own.most_common(WIDEST)],
        [(name, samples / total) for name, samples in whole.most_common(WIDEST * 3)],
    )


def _function(frame: str) -> str:
    """`name (path:line)` without the line."""
    name, _, place = frame.partition(" (")
    return f"{name} ({place.rpartition(':')[0] or place.rstrip(')')})"


def text(profiles: dict[str, Frames]) -> str:
    """As Markdown lists."""
    lines = []
    for name, frames in profiles.items():
        lines += [f"{name}, own time:", *(f"- {share:.1%} {frame}" for frame, share in frames.own), ""]
        lines += [f"{name}, with callees:", *(f"- {share:.1%} {frame}" for frame, share in frames.whole), ""]
    return "\n".join(lines)
