"""Servers that are no good Redis: one that never answers, and one that answers what it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.conf import settings

from project.embedded import LOOPBACK

Port = int


@pytest.fixture(autouse=True)
def _no_clients_of_other_tests() -> Iterator[None]:
    """Clients are kept for each configuration."""
    from passport_events.dispatching import hints  # noqa: PLC0415  it needs Django's settings
    from passport_events.redis_store import connections  # noqa: PLC0415  the same

    yield
    hints.get_rq_queue.cache_clear()
    connections.forget()


@pytest.fixture
def queue_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`queue_in(URL=...)` adds an RQ queue with these settings, and returns its name."""

    def add(name: str = "elsewhere", **config: object) -> str:
        monkeypatch.setitem(settings.RQ_QUEUES, name, config)
        return name

    return add


@pytest.fixture
def frozen() -> Iterator[Port]:
    """A port whose connections are accepted by the kernel, and by nothing else."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], Port]]:
    """`answering(b"...")` is the port of a server that says so to whatever it is asked."""
    with ExitStack() as servers:

        def serve(answer: bytes) -> Port:
            server = servers.enter_context(socket.create_server((LOOPBACK, 0)))
            threading.Thread(target=_serve, args=(server, answer), daemon=True).start()
            port: int = server.getsockname()[1]
            servers.callback(server.shutdown, socket.SHUT_RDWR)
            return port

        yield serve


def _serve(server: socket.socket, answer: bytes) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(client, answer), daemon=True).start()


def _answer(client: socket.socket, answer: bytes) -> None:
    with client:
        while client.recv(65_536):
            try:
                client.sendall(answer)
            except OSError:
                return
