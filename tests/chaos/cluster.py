"""The whole pipeline in processes of its own, each known by a handle.

Faults, and whoever starts servers, call all of it from the main thread: a server that is started
from another thread dies with that thread (see `project.embedded.process`).
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from project.demo import aws
from project.demo.processes import children_of
from project.embedded import LOOPBACK, PostgresServer, ValkeyServer
from tests.chaos import ablations, clocks, members
from tests.chaos.limits import LEASE_SECONDS, QUEUE_URL, RECEIVES_BEFORE_DEAD_LETTER, VISIBILITY_SECONDS
from tests.chaos.orphans import MARK, Orphans, adopt_orphans
from tests.chaos.process import MANAGE, Process
from tests.chaos.proxy import Proxy, TcpProxy
from tests.chaos.servers import DURABLE, DurableSqs
from tests.chaos.supervisor import Supervisor
from tests.harness import environment

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

__all__ = ["LEASE_SECONDS", "RECEIVES_BEFORE_DEAD_LETTER", "VISIBILITY_SECONDS", "Cluster", "Process"]

_ANSWER_SECONDS = 5


class Cluster:
    """A context manager: inside, servers and proxies run. `start_processes` starts the pipeline.

    Pipeline processes reach the three servers through `proxies` only.
    """

    def __init__(self, directory: Path, ablation: str = "") -> None:
        """Logs go to `directory`; `ablation` is the safeguard that is taken away."""
        self.directory = directory
        self._ablation = ablation
        self._mark = secrets.token_hex(8)
        self._exits = ExitStack()
        self._ending = threading.Event()
        self._orphans = Orphans(self._mark)
        self.postgres = PostgresServer(settings=DURABLE)
        """kill, restart, stop, start, pid, port. `kill()` loses no commit: it is durable."""
        self.valkey = ValkeyServer()
        """Without persistence: `kill()` and `restart()` empty it. `flush()` is FLUSHALL."""
        self.sqs = DurableSqs()
        """SNS and SQS. SIGSTOP and SIGCONT by `sqs.pid` are allowed, SIGKILL is not."""
        self.proxies: Mapping[str, Proxy] = {}
        """`postgres`, `redis` and `sqs` (which is also SNS)."""
        self.pollers: Sequence[Process] = ()
        self.fork_workers: Sequence[Process] = ()
        self.simple_workers: Sequence[Process] = ()
        self.dispatchers: Sequence[Process] = ()

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._exits.close()

    def _begin(self) -> None:
        (self.directory / clocks.FOLDER).mkdir()
        adopt_orphans()
        aws.use_dummy_credentials()
        servers = {"postgres": self.postgres, "redis": self.valkey, "sqs": self.sqs}
        for server in servers.values():
            self._exits.enter_context(server)
        self.proxies = {name: TcpProxy(name, server.port) for name, server in servers.items()}
        for proxy in self.proxies.values():
            self._exits.callback(proxy.close)
            proxy.start()
        resources = aws.create(self.sqs.endpoint_url, VISIBILITY_SECONDS)
        self.queue_url = resources.queue_url
        self.dead_letter_queue_url = resources.dead_letter_queue_url
        self.topic_arn = resources.topic_arn

    def start_processes(self) -> None:
        """Start pollers, workers and the dispatcher. They are not ready when this returns."""
        started = members.of_every_role(self.directory / "logs", self.environment)
        self.pollers = started["poller"]
        self.fork_workers = started["fork-worker"]
        self.simple_workers = started["simple-worker"]
        self.dispatchers = started["dispatcher"]
        self.supervisor = Supervisor(self.processes, self._orphans)
        self._exits.callback(self.supervisor.stop)
        self.supervisor.start()

    @property
    def environment(self) -> dict[str, str]:
        """All that pipeline processes get. This shell's own variables could lead them elsewhere."""
        ports = {name: str(proxy.port) for name, proxy in self.proxies.items()}
        own = {ablations.VARIABLE: self._ablation, clocks.DIRECTORY: str(self.directory / clocks.FOLDER)}
        return _shell() | self._variables(ports) | own

    @property
    def direct_environment(self) -> dict[str, str]:
        """The same for who goes around the proxies, and is no part of the pipeline."""
        servers = {"postgres": self.postgres.port, "redis": self.valkey.port, "sqs": self.sqs.port}
        return self._variables({name: str(port) for name, port in servers.items()})

    def _variables(self, ports: Mapping[str, str]) -> dict[str, str]:
        return {
            **aws.CREDENTIALS,
            MARK: self._mark,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            environment.DATABASE: "postgresql",
            environment.POSTGRESQL_PORT: ports["postgres"],
            environment.REDIS_PORT: ports["redis"],
            environment.AWS_PORT: ports["sqs"],
            QUEUE_URL: self.queue_url,
        }

    @property
    def workers(self) -> Sequence[Process]:
        """Both kinds."""
        return (*self.fork_workers, *self.simple_workers)

    @property
    def processes(self) -> Sequence[Process]:
        """All of the pipeline."""
        return (*self.pollers, *self.workers, *self.dispatchers)

    def horses(self, worker: Process) -> list[int]:
        """Pids of a fork worker's children at this moment; mostly none or one."""
        pid = worker.pid
        return children_of(pid) if pid is not None else []

    def orphans(self) -> list[int]:
        """Pids of horses whose parent was killed, and which still work."""
        return self._orphans.look()

    def signal_pid(self, pid: int, how: signal.Signals) -> bool:
        """Send a signal to a horse or an orphan of this run; False when it is gone."""
        if any(pid in self.horses(worker) for worker in self.fork_workers):
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                return False
            return True
        self._orphans.look()
        return self._orphans.signal(pid, how)

    def wait(self, seconds: float) -> None:
        """Sleep; the end of the run interrupts it. Raises what made the supervisor give up."""
        self._ending.wait(seconds)
        if self.supervisor.failure is not None:
            raise self.supervisor.failure

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A new autocommit connection straight to PostgreSQL, as superuser. To be closed by the caller.

        Raises psycopg.OperationalError while the server is away.
        """
        return psycopg.connect(
            host=LOOPBACK,
            port=self.postgres.port,
            user=self.postgres.user,
            dbname="postgres",
            autocommit=True,
            connect_timeout=_ANSWER_SECONDS,
        )

    def redis(self) -> Redis:
        """A client straight to Valkey; retries nothing."""
        return Redis(
            host=LOOPBACK,
            port=self.valkey.port,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def queues(self) -> SQSClient:
        """A boto3 client straight to SQS; retries nothing."""
        return aws.sqs(self.sqs.endpoint_url)

    def manage(self, *arguments: str, seconds: float = 30) -> int | None:
        """Run one more `manage.py` command in the pipeline's environment, through the proxies.

        Returns its exit code; None when it had to be killed after `seconds`.
        """
        with (self.directory / "commands.log").open("ab") as log:
            try:
                done = subprocess.run(
                    [sys.executable, MANAGE, *arguments],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.directory,
                    timeout=seconds,
                    check=False,
                    start_new_session=True,  # as all that belongs to no worker
                )
            except subprocess.TimeoutExpired:
                return None
        return done.returncode


def _shell() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1"}
