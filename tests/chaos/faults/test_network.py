"""What a client behind a proxy meets while the network is not well, and that it is well afterwards."""

from __future__ import annotations

import socket

import pytest

from project.embedded import LOOPBACK
from tests.chaos.faults.network import SERVERS
from tests.chaos.faults.watched import Watched

pytestmark = pytest.mark.postgresql

PATIENCE_SECONDS = 0.25
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
QUESTIONS = {
    "postgres": SSL_REQUEST,
    "redis": b"PING\r\n",
    "sqs": b"GET /_ministack/health HTTP/1.1\r\nHost: x\r\n\r\n",
}


class Client:
    """One connection through a proxy."""

    def __init__(self, cluster: Watched, server: str) -> None:
        self._server = server
        address = (LOOPBACK, cluster.proxies[server].port)
        self._socket = socket.create_connection(address, timeout=PATIENCE_SECONDS)

    def ask(self) -> str:
        """Whether there is an answer, or why not."""
        try:
            self._socket.sendall(QUESTIONS[self._server])
            return "answer" if self._socket.recv(1_000) else "end"
        except TimeoutError:
            return "silence"
        except ConnectionError:
            return "reset"

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def ask_anew(cluster: Watched, server: str) -> str:
    """The same on a connection of its own."""
    try:
        client = Client(cluster, server)
    except ConnectionRefusedError:
        return "refused"
    answer = client.ask()
    client.close()
    return answer


@pytest.mark.parametrize(("server", "name"), SERVERS.items())
@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        ("every connection to {} is reset", ("reset", "answer")),
        ("{} refuses connections", ("reset", "refused")),
        ("{} swallows everything", ("silence", "silence")),
    ],
)
def test_one_server_is_out_of_reach_and_then_well(
    servers: Watched, server: str, name: str, fault: str, answers: tuple[str, str]
) -> None:
    """First on a connection that is there, then on a new one."""
    old = Client(servers, server)
    assert old.ask() == "answer"
    seen = servers.during(fault.format(name), lambda: (old.ask(), ask_anew(servers, server)))
    old.close()
    assert seen[0] == answers
    assert ask_anew(servers, server) == "answer"


@pytest.mark.parametrize("server", SERVERS)
def test_cut_off_means_all_servers(servers: Watched, server: str) -> None:
    seen = servers.during("the pipeline is cut off from all servers", lambda: ask_anew(servers, server))
    assert seen == ["silence"]
    assert ask_anew(servers, server) == "answer"


@pytest.mark.parametrize(
    ("fault", "server"),
    [
        *((f"the way to {name} is slow", server) for server, name in SERVERS.items()),
        ("everything arrives in crumbs of seven bytes", "sqs"),
        ("everything trickles", "redis"),
    ],
)
def test_slow_is_not_away(servers: Watched, fault: str, server: str) -> None:
    shapes = servers.during(fault, lambda: servers.proxies[server]._conditions.shape)
    assert shapes[0] != servers.proxies[server]._conditions.shape
    assert "answer" in servers.during(fault, lambda: _ask_patiently(servers, server))


def _ask_patiently(cluster: Watched, server: str) -> str:
    client = Client(cluster, server)
    client._socket.settimeout(10)
    answer = client.ask()
    client.close()
    return answer


def test_a_request_breaks_off_in_the_middle(servers: Watched) -> None:
    with servers.redis() as direct:
        direct.set("key", "whole")
        old = Client(servers, "redis")
        assert old.ask() == "answer"
        assert "sent" in servers.during("requests break off in the middle", lambda: _set(servers, old))
        assert old.ask() == "reset"
        assert direct.get("key") == b"whole"
        old.close()
    assert ask_anew(servers, "redis") == "answer"


def _set(cluster: Watched, client: Client) -> str:
    """Write, when it is the turn of Redis' proxy."""
    if not cluster.proxies["redis"]._conditions.traps:
        return "not yet"
    client._socket.sendall(b"SET key broken\r\n")
    return "sent"
