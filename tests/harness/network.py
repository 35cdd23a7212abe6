"""Tests talk to this machine only: any other address raises before a packet leaves."""

from __future__ import annotations

import sys
from typing import Any

from project.embedded import LOOPBACK, NotLoopbackError

refused: list[object] = []
"""Every other host that somebody asked for, also where the error was caught."""
_HERE = frozenset({LOOPBACK, "::1", "localhost", "", None})


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # anything else is a Unix socket
    elif event == "socket.bind":
        address = arguments[1]
        # Empty means every interface here.
        host = (address[0] or "0.0.0.0") if isinstance(address, tuple) else None  # noqa: S104
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host not in _HERE:
        refused.append(host)
        raise NotLoopbackError(f"A test asked for {host!r}. Tests talk to, and listen on, {LOOPBACK} only.")


def stay_on_this_machine() -> None:
    """Refuse every other address for the rest of this process. An audit hook cannot be removed."""
    sys.addaudithook(_refuse)
