"""Every embedded server: starts, answers, is killed, comes back, and never outlives its parent."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from project.embedded import (
    EmbeddedServer,
    NotLoopbackError,
    PostgresServer,
    ServerStartError,
    SqsEmulator,
    ValkeyServer,
)
from project.embedded.listening import find_listeners
from project.embedded.postgres import NOT_DURABLE

pytestmark = pytest.mark.any_database

SERVERS: dict[str, Callable[[], EmbeddedServer]] = {
    "valkey": ValkeyServer,
    "postgresql": lambda: PostgresServer(settings=NOT_DURABLE),
    "sqs": SqsEmulator,
}
PARENT = """
import time
from project.embedded import {name} as Server
server = Server().start()
print(server.port, server.directory, flush=True)
time.sleep(60)
"""
REPOSITORY = Path(__file__).parents[2]


def answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    with SERVERS[request.param]() as started:
        yield started


def test_answers_as_soon_as_start_returns(server: EmbeddedServer) -> None:
    assert server.is_running
    assert answers(server.port)


def test_starts_within_three_seconds(server: EmbeddedServer) -> None:
    server.stop()
    started = time.monotonic()
    server.start()
    assert time.monotonic() - started < 3


def test_is_gone_after_kill_and_comes_back_on_the_same_port(server: EmbeddedServer) -> None:
    port, pid = server.port, server.pid
    server.kill()
    assert not server.is_running
    assert not answers(port)
    server.start()
    assert answers(port)
    assert (server.port, server.pid != pid) == (port, True)


def test_restart_replaces_the_process_and_keeps_the_port(server: EmbeddedServer) -> None:
    port, pid = server.port, server.pid
    server.restart()
    assert answers(port)
    assert (server.port, server.pid != pid) == (port, True)


def test_starting_twice_keeps_the_running_process(server: EmbeddedServer) -> None:
    pid = server.pid
    assert server.start().pid == pid


def test_starts_again_after_it_was_killed_from_outside(server: EmbeddedServer) -> None:
    os.kill(server.pid, signal.SIGKILL)
    assert wait_for(lambda: not server.is_running)
    assert server.start().is_running


def test_close_removes_its_directory(server: EmbeddedServer) -> None:
    directory = server.directory
    server.close()
    assert not directory.exists()
    assert not answers(server.port)


def test_a_forked_child_cannot_end_it(server: EmbeddedServer) -> None:
    child = os.fork()
    if child == 0:
        server.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert server.is_running
    assert answers(server.port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell a process that its parent died")
@pytest.mark.parametrize("name", ["ValkeyServer", "PostgresServer", "SqsEmulator"])
def test_dies_when_its_parent_is_killed(name: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(name=name)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    with parent:
        assert parent.stdout is not None
        port, directory = parent.stdout.readline().split()
        assert answers(int(port))
        parent.kill()
    assert wait_for(lambda: not answers(int(port)))
    shutil.rmtree(directory)  # what a killed parent cannot do


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_other_machine_can_reach_it(server: EmbeddedServer) -> None:
    """Case D8. All sockets of all its processes, TCP and UDP."""
    listeners = find_listeners(server.pid)
    assert server.port in {each.port for each in listeners}
    assert [str(each) for each in listeners if not each.is_loopback] == []


class Careless(EmbeddedServer):
    """Listens where it should, and elsewhere."""

    name = "careless"
    program = """
import socket, sys, time
other = socket.socket(*eval(sys.argv[2])); other.bind(eval(sys.argv[3]))
if other.type == socket.SOCK_STREAM: other.listen()
own = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)
"""

    def __init__(self, kind: str, address: str) -> None:
        super().__init__()
        self.arguments = (kind, address)

    def _command(self) -> Sequence[str | Path]:
        return [sys.executable, "-c", self.program, str(self.port), *self.arguments]

    def _is_ready(self) -> bool:
        return answers(self.port)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("kind", "address", "shown"),
    [
        ("(2, 1)", "('0.0.0.0', 0)", r"tcp 0\.0\.0\.0:"),
        ("(2, 2)", "('0.0.0.0', 0)", r"udp 0\.0\.0\.0:"),
        ("(10, 1)", "('::', 0)", r"tcp6 :::"),
    ],
    ids=["TCP", "UDP", "IPv6"],
)
def test_a_server_that_other_machines_can_reach_is_not_started(kind: str, address: str, shown: str) -> None:
    """Case D8."""
    server = Careless(kind, address)
    with pytest.raises(NotLoopbackError, match=f"careless listens for other machines on {shown}"):
        server.start()
    assert not server.is_running
    server.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.usefixtures("sqs", "redis_server")
def test_no_other_machine_can_reach_what_the_tests_start() -> None:
    """Case D8. moto and every helper in this process, and all servers of the session."""
    listeners = find_listeners(os.getpid())
    assert listeners
    assert [str(each) for each in listeners if not each.is_loopback] == []


def test_a_failed_start_shows_the_end_of_the_log() -> None:
    server = ValkeyServer()
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        with pytest.raises(ServerStartError, match=r"Valkey did not start(.|\n)*already in use"):
            server.start()
    server.close()
