"""One run of one contender: the queue is full, everybody waits, then it is released."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from benchmarks.throughput import events, outcome, statements
from benchmarks.throughput.contender import Contender
from benchmarks.throughput.outcome import Verdict
from benchmarks.throughput.processes import Processes, cpu_seconds
from benchmarks.throughput.stack import Stack

MOST_SECONDS = 300
STALLED_SECONDS = 40
"""A contender that is not done by then, or finishes nothing for so long, is judged by what is there.

So long, because a message in flight comes back after 30 seconds.
"""
_LOOK_SECONDS = 0.1
_ORGANIZATIONS = 'FROM "passport_events_salesforceorganization"'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run of one contender showed. `per` is per 1,000 events."""

    name: str
    count: int
    rate: float
    """Events a second, from the release to the last one finished."""
    verdict: Verdict
    consumer_cpu_per: float
    postgresql_cpu_per: float
    valkey_cpu_per: float
    stub_share: float
    """Of one core, while it ran: near 1 the stub would be the limit."""
    requests_per: float
    statements_per: float
    """Without BEGIN and COMMIT."""
    all_statements_per: float
    poller_statements: int
    poller_organization_queries: int
    polls: int
    """Receives that brought something."""
    left: int
    """Messages that are still in the queue."""
    load: float
    """Processes that wanted to run on this machine before it began."""
    other_cpu: float
    """Cores that others used while it ran."""
    texts: list[dict[str, Any]]
    """What was said to the database, most often first."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    """Meters at one moment."""

    at: float
    consumers: float
    postgresql: float
    valkey: float
    stub: float
    machine: float
    ours: float
    requests: Counter[str]
    delivered: int

    @classmethod
    def take(cls, stack: Stack, processes: Processes) -> _Reading:
        stats = stack.stub.stats()
        busy = psutil.cpu_times()
        own = os.times()
        return cls(
            time.time(),
            processes.cpu_seconds(),
            cpu_seconds(stack.postgres.pid),
            cpu_seconds(stack.valkey.pid),
            stats.cpu_seconds,
            sum(busy) - busy.idle - getattr(busy, "iowait", 0.0) - getattr(busy, "guest", 0.0),
            own.user + own.system,
            Counter(stats.requests),
            stats.delivered,
        )


def run(
    stack: Stack,
    contender: Contender,
    count: int,
    modern_python: str | None,
    *,
    postgresql_port: int = 0,
    shape: events.Shape = events.USUAL,
    like: str = "",
    after: int = 0,
) -> Result:
    """Run it, and measure. `postgresql_port` is that of a proxy.

    `like` is a database that is copied for the run, and `after` the last key of its inbox.
    Raises ContenderError when the contender does not start or ends by itself.
    """
    work = events.make(count, shape=shape)
    stack.valkey.flush()
    database = stack.new_database(contender.tables, like)
    try:
        with tempfile.TemporaryDirectory(prefix="passport-bench-") as directory:
            stack.stub.hold()
            stack.stub.load([contender.envelope(body) for body in work.bodies])
            load = os.getloadavg()[0]
            with Processes(
                contender,
                stack,
                database,
                Path(directory),
                modern_python=modern_python,
                postgresql_port=postgresql_port,
            ) as processes:
                return _measure(stack, contender, work, processes, load=load, after=after)
    finally:
        stack.drop_database(database)


def _measure(
    stack: Stack, contender: Contender, work: events.Work, processes: Processes, *, load: float, after: int
) -> Result:
    database = processes.database
    with stack.connect(database) as connection:
        connection.execute("CHECKPOINT")  # else one contender pays for another's pages
        statements.reset(stack)
        before = _Reading.take(stack, processes)
        released = stack.stub.release()
        last = wait_until_done(stack, contender, work, connection, processes, after=after)
        end = _Reading.take(stack, processes)
        said = statements.read(stack, database)
        verdict = outcome.judge(connection, contender, work, after)
    seconds = max(0.001, last - released)
    passed = max(0.001, end.at - before.at)
    per = 1000 / work.count
    parts = (
        end.consumers - before.consumers,
        end.postgresql - before.postgresql,
        end.valkey - before.valkey,
        end.stub - before.stub,
        end.ours - before.ours,
    )
    return Result(
        name=contender.name,
        count=work.count,
        rate=(work.count - verdict.lost) / seconds,
        verdict=verdict,
        consumer_cpu_per=parts[0] * per,
        postgresql_cpu_per=parts[1] * per,
        valkey_cpu_per=parts[2] * per,
        stub_share=parts[3] / passed,
        requests_per=(end.requests - before.requests).total() * per,
        statements_per=statements.count(said, frames=False) * per,
        all_statements_per=statements.count(said) * per,
        poller_statements=statements.count(said, frames=False, role="bench_poller"),
        poller_organization_queries=statements.count(said, role="bench_poller", part=_ORGANIZATIONS),
        polls=end.delivered - before.delivered,
        left=stack.stub.stats().left,
        load=load,
        other_cpu=max(0.0, end.machine - before.machine - sum(parts)) / passed,
        texts=[{"role": s.role, "calls": s.calls, "text": s.text[:400]} for s in said[:40]],
    )


def wait_until_done(
    stack: Stack,
    contender: Contender,
    work: events.Work,
    connection: outcome.Connection,
    processes: Processes,
    *,
    after: int = 0,
) -> float:
    """Until all is finished and deleted; returns when the last event was finished."""
    now = time.monotonic()
    deadline, moved, before = now + MOST_SECONDS, now, 0
    last = 0.0
    while now < deadline and now < moved + STALLED_SECONDS:
        processes.check()
        # The database is asked only once the queue is empty: the question costs, too.
        if (left := stack.stub.stats().left) == 0:
            done, last = outcome.finished(connection, contender.tables, after)
            if done >= work.count:
                break
        else:
            done = work.count - left
        now = time.monotonic()
        if done != before:
            before, moved = done, now
        time.sleep(_LOOK_SECONDS)
    return last
