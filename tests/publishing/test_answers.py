"""What comes back from the network in place of an answer of SNS."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Iterator

import pytest

from passport_events import conf
from passport_events.exceptions import TopicUnavailable
from passport_events.publishing.sns_topic import SnsTopic
from project.embedded import LOOPBACK

from .outgoings import outgoing


def page(text: bytes) -> bytes:
    """As a proxy sends it."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text


ANSWERS = {
    "ResponseParserError": page(b"<p>Sign in<br>"),
    "KeyError": page(b"<html>Sign in</html>"),
    "ConnectionClosedError": b"",
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
}


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """Gives the same bytes to everybody, and hangs up."""
    with socket.create_server((LOOPBACK, 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(request.param)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://{LOOPBACK}:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(("code", "endpoint"), ANSWERS.items(), indirect=["endpoint"])
def test_it_is_no_success_and_worth_another_try(code: str, endpoint: str) -> None:
    topic = SnsTopic(
        dataclasses.replace(conf.get_settings(), endpoint_url=endpoint),
        "arn:aws:sns:us-east-1:123456789012:events",
    )
    with pytest.raises(TopicUnavailable, match=code) as raised:
        topic.publish(outgoing(2))
    assert not raised.value.is_final
