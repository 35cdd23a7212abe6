"""What faults see of the running pipeline. This file states the interface first; the class follows.

Everything here belongs to this run: processes and servers are reached by handles, never by name.
Call all of it from the thread that injects faults, which is the main thread: a server that is
started from another thread dies with that thread (see `project.embedded.process`).
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from redis import Redis

from project.embedded import EmbeddedServer, PostgresServer, ValkeyServer
from tests.chaos.proxy import Proxy

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

LEASE_SECONDS = 3.0
VISIBILITY_SECONDS = 10
RECEIVES_BEFORE_DEAD_LETTER = 10
"""A message that is received so often without being deleted goes to the dead-letter queue, which the
checker calls stuck: no fault may let one delivery be received and dropped more than about five times."""


class Process(Protocol):
    """A handle of one pipeline process. It outlives the process: what died is started again under it
    by the supervisor's thread, 0.2 to 1 s later, so `pid` may be another one each time it is asked for."""

    name: str
    """Like `poller-1`, `fork-worker-2`, `simple-worker-1`, `dispatcher-1`."""
    starts: int

    @property
    def pid(self) -> int | None:
        """None while nothing runs."""

    def is_alive(self) -> bool:
        """Whether it runs (a stopped one does)."""

    def kill(self, how: signal.Signals = signal.SIGKILL, pid: int | None = None) -> bool:
        """Send a signal to this process alone, not to its horses; False when there was nobody to send it to.

        With `pid`, only if that is still its pid: so SIGCONT does not reach a successor.
        """

    def wait_until_restarted(self, pid: int, seconds: float) -> bool:
        """Wait until it runs under another pid than `pid`; False after `seconds`."""


class Cluster(Protocol):
    """The running pipeline. Pipeline processes reach the three servers through `proxies` only."""

    proxies: Mapping[str, Proxy]
    """`postgres`, `redis` and `sqs` (which is also SNS)."""
    postgres: PostgresServer
    """kill, restart, stop, start, pid, port. `kill()` loses no commit: it is durable."""
    valkey: ValkeyServer
    """Without persistence: `kill()` and `restart()` empty it. `flush()` is FLUSHALL."""
    sqs: EmbeddedServer
    """SNS and SQS. `restart()` and `stop()` keep every message, as AWS would; so does its `kill()`,
    which asks it to save first. SIGSTOP and SIGCONT by `sqs.pid` are allowed, SIGKILL is not."""
    pollers: Sequence[Process]
    fork_workers: Sequence[Process]
    simple_workers: Sequence[Process]
    dispatchers: Sequence[Process]
    queue_url: str
    dead_letter_queue_url: str
    topic_arn: str

    @property
    def workers(self) -> Sequence[Process]:
        """Both kinds."""

    @property
    def processes(self) -> Sequence[Process]:
        """All of the pipeline."""

    def horses(self, worker: Process) -> list[int]:
        """Pids of a fork worker's children at this moment; mostly none or one."""

    def orphans(self) -> list[int]:
        """Pids of horses whose parent was killed, and which still work."""

    def signal_pid(self, pid: int, how: signal.Signals) -> bool:
        """Send a signal to a horse or an orphan of this run; False when it is gone. Raises ValueError
        for a pid that is none of ours."""

    def wait(self, seconds: float) -> None:
        """Sleep; Ctrl-C and the end of the run interrupt it."""

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A new autocommit connection straight to PostgreSQL, as superuser. To be closed by the caller.

        Raises psycopg.OperationalError while the server is away.
        """

    def redis(self) -> Redis:
        """A client straight to Valkey; retries nothing."""

    def queues(self) -> SQSClient:
        """A boto3 client straight to SQS; retries nothing."""

    def manage(self, *arguments: str, seconds: float = 30) -> int | None:
        """Run one more `manage.py` command in the pipeline's environment, through the proxies.

        Returns its exit code; None when it had to be killed after `seconds`.
        """
