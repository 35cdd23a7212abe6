"""Nothing but 127.0.0.1, and ports that stay free."""

from __future__ import annotations

import pytest

from project.embedded import NotLoopbackError, require_loopback
from project.embedded.loopback import free_port

pytestmark = pytest.mark.any_database


def test_an_address_on_127_0_0_1_is_allowed() -> None:
    assert require_loopback("http://127.0.0.1:4566/queue") == "http://127.0.0.1:4566/queue"


@pytest.mark.parametrize(
    "url",
    [
        "https://sqs.us-east-1.amazonaws.com/1/q",
        "http://0.0.0.0:1",
        "http://127.0.0.1@example.com",
        "localhost:80",
        "",
    ],
)
def test_every_other_address_is_refused(url: str) -> None:
    with pytest.raises(NotLoopbackError):
        require_loopback(url)


def test_a_free_port_is_never_given_twice() -> None:
    ports = [free_port() for _ in range(100)]
    assert len(set(ports)) == 100


def test_free_ports_are_below_those_of_outgoing_connections() -> None:
    assert free_port() < 32768
