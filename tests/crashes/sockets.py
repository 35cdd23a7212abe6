"""Servers that accept a connection and then misbehave: the other end of what hangs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from project.embedded import LOOPBACK

DRIP_SECONDS = 0.2
_AN_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 1000000\r\n\r\n"


class Server:
    """Accepts on a port of its own until `close`; what then happens to a connection is `serve`."""

    def __init__(self) -> None:
        self._listening = socket.create_server((LOOPBACK, 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._listening.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            self.serve(connection)

    def serve(self, connection: socket.socket) -> None:
        """Be silent."""

    def close(self) -> None:
        """End it and all connections."""
        self._listening.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class Dripping(Server):
    """Answers a request with one byte now and then, for ever: no read timeout ever ends."""

    def serve(self, connection: socket.socket) -> None:
        """Drip."""
        connection.recv(65_536)
        connection.sendall(_AN_ANSWER)
        while True:
            connection.sendall(b" ")
            time.sleep(DRIP_SECONDS)


class Proxy(Server):
    """Passes everything on to another port, until it is `hushed`; then it takes everything and says nothing."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self.hushed = threading.Event()
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        """Pass on in both directions."""
        behind = socket.create_connection((LOOPBACK, self._behind))
        self._open.append(behind)
        threading.Thread(target=self._pass_on, args=(behind, connection), daemon=True).start()
        self._pass_on(connection, behind)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while said := source.recv(65_536):
                if not self.hushed.is_set():
                    target.sendall(said)
            if not self.hushed.is_set():
                target.shutdown(socket.SHUT_WR)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Close it at the end."""
    try:
        yield server
    finally:
        server.close()
