"""A TCP proxy on 127.0.0.1 before one server. This file states the interface; the faults bring the proxy."""

from __future__ import annotations

from typing import Protocol


class Proxy(Protocol):
    """Made as `TcpProxy(name, target_port)` with a port of its own; passes bytes on until told otherwise.

    It should run in its own thread or process with an event loop, because all of the pipeline's
    traffic goes through it on two cores. What else it can do is between it and the faults.
    """

    name: str
    port: int

    def start(self) -> None:
        """Listen on `port`. Returns when it does."""

    def heal(self) -> None:
        """Drop every toxic: pass everything on, at once, from now on."""

    def close(self) -> None:
        """Stop listening and end every connection."""
