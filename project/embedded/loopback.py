"""Only 127.0.0.1: which address is allowed, and which port is free."""

from __future__ import annotations

import random
import socket
from urllib.parse import urlsplit

from project.embedded.errors import EmbeddedServerError, NotLoopbackError

LOOPBACK = "127.0.0.1"

# Below the range that operating systems give to outgoing connections (32768 and up). Inside it, a
# client that keeps trying a stopped server's port can end up connected to itself, and then the
# server finds its own port taken when it comes back.
_PORTS = range(20_000, 32_000)
_TRIES = 200

_given: set[int] = set()


def require_loopback(url: str) -> str:
    """Return `url`, or raise NotLoopbackError when its host is not 127.0.0.1."""
    host = urlsplit(url).hostname
    if host != LOOPBACK:
        raise NotLoopbackError(
            f"{url} is not on {LOOPBACK}. The demo and the tests use only servers they started."
        )
    return url


def free_port() -> int:
    """A random TCP port on 127.0.0.1 that nobody listens on; never the same one twice."""
    for port in random.sample(_PORTS, _TRIES):
        if port not in _given and _can_listen(port):
            _given.add(port)
            return port
    raise EmbeddedServerError(f"None of {_TRIES} random ports on {LOOPBACK} is free.")


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, so that connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
