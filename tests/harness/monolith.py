"""The awkward host project in processes of its own, with databases of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from project.embedded import LOOPBACK
from tests.harness import environment

_REPOSITORY = Path(__file__).parents[2]


class Monolith:
    """`manage("poll_sqs", "--once")` runs a command there and returns what it printed."""

    def __init__(self) -> None:
        """Make both databases anew and migrate them. Nothing copies rows to the replica."""
        self.environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.monolith.settings"}
        for name in environment.MONOLITH_DATABASES.values():
            _recreate(name)
        for alias in environment.MONOLITH_DATABASES:
            self.manage(
                "migrate",
                "--verbosity=0",
                f"--database={alias}",
                "--settings=tests.monolith.settings_migrate",
            )

    def manage(self, *arguments: str, seconds: float = 60) -> str:
        """Run `manage.py`. Raises AssertionError with its output unless it exits with 0."""
        return self._run("-m", "django", *arguments, seconds=seconds)

    def python(self, code: str, *, seconds: float = 60) -> str:
        """Run `code` with Django set up there, like `manage`."""
        return self._run("-c", f"import django; django.setup()\n{code}", seconds=seconds)

    def _run(self, *arguments: str, seconds: float) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            env=self.environment,
            cwd=_REPOSITORY,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def _recreate(name: str) -> None:
    if os.environ[environment.DATABASE] == "sqlite":
        for file in Path(os.environ[environment.DIRECTORY]).glob(f"{name}.sqlite3*"):
            file.unlink()
        return
    port = int(os.environ[environment.POSTGRESQL_PORT])
    with psycopg.connect(
        host=LOOPBACK, port=port, user="postgres", dbname="postgres", autocommit=True
    ) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
