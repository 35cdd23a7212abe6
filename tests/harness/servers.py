"""The servers of one test session: started before Django is set up, stopped at its end."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from project.embedded import PostgresServer, ValkeyServer
from project.embedded.loopback import free_port
from project.embedded.postgres import NOT_DURABLE
from tests.harness import environment


class Servers:
    """Valkey always; PostgreSQL when it is the database. Their ports are in the environment."""

    def __init__(self, database: str) -> None:
        """Start them and set the variables. Raises ServerStartError."""
        self._stack = ExitStack()
        directory = Path(tempfile.mkdtemp(prefix="passport-tests-"))
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        try:
            self.valkey = self._stack.enter_context(ValkeyServer())
            os.environ |= {
                environment.DATABASE: database,
                environment.DIRECTORY: str(directory),
                environment.REDIS_PORT: str(self.valkey.port),
            }
            if database == "postgresql":
                postgres = self._stack.enter_context(PostgresServer(settings=NOT_DURABLE))
                os.environ[environment.POSTGRESQL_PORT] = str(postgres.port)
            environment.use_dummy_aws(free_port())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the servers and remove their files."""
        self._stack.close()
