"""Everything the demo needs, started from nothing: servers, queue, topic, database, processes."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from redis import Redis
from rq import Worker

from passport_events.models import SalesforceOrganization
from project.demo import aws, observation
from project.demo.database import use_postgresql
from project.demo.processes import Supervisor
from project.demo.publisher import Publisher
from project.demo.scenario import ORGANIZATIONS
from project.embedded import LOOPBACK, PostgresServer, SqsEmulator, ValkeyServer
from project.embedded.loopback import free_port
from project.settings import DEMO_DIRECTORY

LOGIN = "demo"
POLLER = "poll_sqs"


class StackError(Exception):
    """The demo cannot start here. The message says why and what to do."""


class Stack:
    """A context manager. Inside, the pipeline runs and waits for events."""

    def __init__(self, *, on_postgresql: bool = False) -> None:
        """Nothing runs before it is entered. By default the database is SQLite's."""
        self._on_postgresql = on_postgresql
        self.postgres: PostgresServer | None = None
        self._exits = ExitStack()
        self.directory = DEMO_DIRECTORY
        self.workers = tuple(f"rqworker-{number}" for number, _ in enumerate(settings.RQ_QUEUES, start=1))

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
        self._exits.close()

    def _begin(self) -> None:
        self._exits.enter_context(_only_one(self.directory / "lock"))
        if self._on_postgresql:
            self.postgres = self._exits.enter_context(PostgresServer())
            use_postgresql(self.postgres.port)
        else:
            self._empty_sqlite()
        self._fill_database()
        aws.use_dummy_credentials()
        self.valkey = self._exits.enter_context(ValkeyServer())
        emulator = self._exits.enter_context(SqsEmulator())
        self.resources = aws.create(emulator.endpoint_url)
        self.queues = aws.sqs(emulator.endpoint_url)
        self.publisher = Publisher(emulator.endpoint_url, self.resources.topic_arn)
        self.processes = self._exits.enter_context(
            Supervisor(self.directory / "logs", self._environment(emulator.endpoint_url))
        )
        self.processes.run(POLLER, "poll_sqs")
        queues = list(settings.RQ_QUEUES)
        for number, name in enumerate(self.workers):
            # RQ empties the first queue first; each worker begins with another, so that none has to wait.
            self.processes.run(name, "rqworker", *queues[number:], *queues[:number])

    def _empty_sqlite(self) -> None:
        path = Path(settings.DATABASES["default"]["NAME"])
        if path.parent != self.directory:
            raise StackError(
                f"PASSPORT_DEMO_DATABASE is {path}. The demo empties its database, so it uses only one in "
                f"{self.directory}. Unset the variable."
            )
        for file in self.directory.glob(f"{path.name}*"):
            file.unlink()

    def _fill_database(self) -> None:
        shutil.rmtree(self.directory / "logs", ignore_errors=True)
        call_command("migrate", verbosity=0)
        self._exits.callback(connection.close)
        User.objects.create_superuser(LOGIN, password=LOGIN)
        # In bulk, because saving one alone would also tell a cache that is not there yet.
        SalesforceOrganization.objects.bulk_create(
            SalesforceOrganization(salesforce_id=salesforce_id, name=f"University {number:02d}", mode="live")
            for number, salesforce_id in enumerate(ORGANIZATIONS, start=1)
        )

    def _environment(self, endpoint_url: str) -> dict[str, str]:
        """All that the processes get. This shell's own variables could lead them elsewhere."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            **aws.CREDENTIALS,
            "PYTHONUNBUFFERED": "1",
            "PASSPORT_DEMO_SECRET_KEY": secrets.token_urlsafe(),
            **self._database_variables(),
            "PASSPORT_DEMO_REDIS_URL": self.valkey.url,
            "PASSPORT_DEMO_SQS_ENDPOINT": endpoint_url,
            "PASSPORT_DEMO_QUEUE_URL": self.resources.queue_url,
        }

    def _database_variables(self) -> dict[str, str]:
        if self.postgres is not None:
            return {"PASSPORT_DEMO_POSTGRESQL_PORT": str(self.postgres.port)}
        return {"PASSPORT_DEMO_DATABASE": str(settings.DATABASES["default"]["NAME"])}

    @property
    def is_ready(self) -> bool:
        """Whether the poller polls and every worker waits for hints."""
        with Redis.from_url(self.valkey.url) as redis:
            return observation.is_polled() and Worker.count(connection=redis) >= len(self.workers)

    @property
    def queued(self) -> int:
        """Messages in SQS, in flight or not."""
        return aws.depth(self.queues, self.resources.queue_url)

    @property
    def given_up_by_sqs(self) -> int:
        """Messages that SQS moved to its own dead-letter queue."""
        return aws.depth(self.queues, self.resources.dead_letter_queue_url)

    def serve_admin(self) -> str:
        """Start the web server, and return its address."""
        address = f"{LOOPBACK}:{free_port()}"
        self.processes.run("runserver", "runserver", "--noreload", address)
        return f"http://{address}/admin/"


def _only_one(path: Path) -> IO[str]:
    """A lock that ends with this process. Raises StackError when another demo holds it."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StackError(f"Another demo is running in {path.parent}. End it with Ctrl-C.") from None
    return file
