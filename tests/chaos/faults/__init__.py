"""The catalogue of faults: `ALL` has every kind once.

Not here, because one machine, without root and without AWS, cannot do it:

- a real failover to a replica that lags: the promise says "as durable as your database", and
  `reconcile` is what repairs after it. That the answer of a commit is lost, and that the server comes
  back from its log, are here.
- pgbouncer in transaction mode: it comes in no wheel.
- a full disk: it takes a file system of its own. That tables cannot grow is here.
- a database clock that jumps, leap seconds, and the end of summer time: the clock is the machine's,
  and setting it takes root. All times are stored in UTC.
- a real older or newer release: nothing is released yet. Columns and hints of the next one are here.
- hours: a database that is down for ten minutes, a downstream that is down for two hours, a
  transaction of one hour, a backlog of a million. They are here in seconds; what time itself does
  (bloat, DLQ by receive count, memory) the benchmarks and the tests of each part have to show.
- PagerDuty and Datadog: nothing in the path of a message waits for them.
- lost packets and partitions in one direction: they take root. Held, cut and swallowed connections
  look the same to both ends.
"""

from __future__ import annotations

from tests.chaos.fault import Fault
from tests.chaos.faults import (
    broker,
    clocks,
    commits,
    database,
    locks,
    moments,
    network,
    operators,
    pauses,
    processes,
    queue,
    refusals,
    releases,
    traffic,
)

ALL: tuple[Fault, ...] = (
    *processes.FAULTS,
    *moments.FAULTS,
    *pauses.FAULTS,
    *network.FAULTS,
    *broker.FAULTS,
    *database.FAULTS,
    *refusals.FAULTS,
    *commits.FAULTS,
    *locks.FAULTS,
    *queue.FAULTS,
    *traffic.FAULTS,
    *operators.FAULTS,
    *clocks.FAULTS,
    *releases.FAULTS,
)
