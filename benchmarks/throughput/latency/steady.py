"""From publish to processed, at a steady rate."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.throughput import events, outcome
from benchmarks.throughput.contender import Contender
from benchmarks.throughput.latency.percentiles import Percentiles
from benchmarks.throughput.processes import Processes
from benchmarks.throughput.stack import Stack
from benchmarks.throughput.stub.server import QUEUE

WARM_UP = 50
"""Events before the first that counts: connections, caches, imports."""
MOST_SECONDS = 60
"""What is not finished so long after the last publish is counted as unfinished."""
_FINISHED = """
    SELECT sns_message_id, extract(epoch FROM finished_at)::float8
    FROM passport_events_processedmessage message
    JOIN passport_events_delivery delivery ON delivery.id = message.delivery_id
    WHERE finished_at IS NOT NULL
"""


def measure(
    stack: Stack, contender: Contender, rate: float, seconds: float
) -> tuple[Percentiles | None, int]:
    """The latencies, and how many events were not finished. Both clocks are this machine's."""
    count = max(1, round(rate * seconds))
    bodies = events.make(WARM_UP + count).bodies
    stack.valkey.flush()
    database = stack.new_database(contender.tables)
    try:
        stack.stub.hold()
        with (
            tempfile.TemporaryDirectory(prefix="passport-bench-") as directory,
            Processes(contender, stack, database, Path(directory)) as processes,
            stack.connect(database) as connection,
        ):
            stack.stub.release()
            stack.stub.send(bodies[:WARM_UP])
            _wait(connection, contender, WARM_UP, processes)
            published = _publish(stack, bodies[WARM_UP:], rate)
            _wait(connection, contender, len(bodies), processes)
            finished = dict(connection.execute(_FINISHED).fetchall())
    finally:
        stack.drop_database(database)
    waited = [(finished[key] - at) * 1000 for key, at in published.items() if key in finished]
    return Percentiles.of(waited), len(published) - len(waited)


def _publish(stack: Stack, bodies: Sequence[str], rate: float) -> dict[str, float]:
    """One at a time, at its own moment; returns when each was published."""
    published: dict[str, float] = {}
    start = time.monotonic()
    with closing(http.client.HTTPConnection(stack.stub.host, stack.stub.port)) as connection:
        for position, body in enumerate(bodies):
            time.sleep(max(0.0, start + position / rate - time.monotonic()))
            published[events.sns_id(body)] = time.time()
            connection.request("POST", f"/control/{QUEUE}/send", json.dumps([body]))
            connection.getresponse().read()
    return published


def _wait(connection: outcome.Connection, contender: Contender, count: int, processes: Processes) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while outcome.finished(connection, contender.tables)[0] < count and time.monotonic() < deadline:
        processes.check()
        time.sleep(0.2)
