"""Case B3. A 200 that is no answer of AWS's is waited out like a 503, whatever it holds and whoever is asked."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.client import BaseClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passport_events import conf
from passport_events.aws_clients.queue_attributes import DEPTH, read_queue_attributes
from passport_events.exceptions import PayloadUnavailable, QueueUnavailable, TopicUnavailable
from passport_events.models import SalesforceOrganization
from passport_events.publishing.sns_topic import SnsTopic
from passport_events.receiving import s3
from passport_events.receiving.poller import Limits, Poller
from passport_events.receiving.sqs import SqsQueue
from passport_events.wire.raw_delivery import RawDelivery
from passport_events.wire.s3_pointer import Pointer
from project.embedded import LOOPBACK
from tests.harness.strategies import recursive
from tests.publishing.outgoings import outgoing
from tests.receiving.factories import opportunity, outcomes
from tests.receiving.services import Running

pytestmark = pytest.mark.any_database

ARN = "arn:aws:sns:us-east-1:123456789012:events"
BODY = json.dumps(opportunity(1))
GOOD = {
    "MessageId": "6f1c",
    "ReceiptHandle": "handle",
    "Body": BODY,
    "MD5OfBody": hashlib.md5(BODY.encode(), usedforsecurity=False).hexdigest(),
}
NO_ANSWERS: dict[str, bytes] = {
    "list": b"[]",
    "null": b"null",
    "string": b'"text"',
    "number": b"0",
    "gzip": gzip.compress(b'{"Messages": []}'),
    "html": b"<html>Log in</html>",
    "xml": b"<ReceiveMessageResponse><ReceiveMessageResult/></ReceiveMessageResponse>",
    "truncated": b'{"Messages": [{"MessageId": "a',
    "utf-16": '{"Messages": []}'.encode("utf-16"),
    "latin": b'{"Messages": "\xff"}',
    "deep": b'{"Messages":' + b"[" * 100_000,
    "messages that are a string": b'{"Messages": "none"}',
    "messages that are an object": b'{"Messages": {"a": 1}}',
    "something else": b'{"error": "log in"}',
    "an error with status 200": b'{"__type": "AccessDenied", "message": "log in"}',
    "another operation's": b'{"Attributes": {"QueueArn": "a"}}',
    "entries that are no messages": b'{"Messages": [null, 1, "x", [], {}]}',
}
ENTRIES: dict[str, Any] = {
    "no id": {**GOOD, "MessageId": None},
    "an id that no database takes": {**GOOD, "MessageId": "\x00"},
    "an id that is a list": {**GOOD, "MessageId": ["a"]},
    "no handle": {**GOOD, "ReceiptHandle": ""},
    "no body": {**GOOD, "Body": None},
    "a body that is an object": {**GOOD, "Body": {"a": 1}},
    "a body that is another": {**GOOD, "MD5OfBody": "0" * 32},
    "no object": "text",
}


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that hang up."""

    def handle_error(self, *arguments: object) -> None:
        """Quiet."""


class Server:
    """Answers every request with the same; notes what it was asked."""

    def __init__(self) -> None:
        self.body = b"{}"
        self.headers: list[tuple[str, str]] = []
        self.status = 200
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append(str(self.headers.get("X-Amz-Target", self.path)))
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                for header in outer.headers:
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(outer.body)

            do_GET = do_POST  # noqa: N815  the name that the base class calls

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        self._server = QuietServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        # `shutdown` waits for the next poll.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def settings(self) -> conf.Settings:
        """Settings that ask it."""
        return dataclasses.replace(
            conf.get_settings(), endpoint_url=f"http://{LOOPBACK}:{self._server.server_port}"
        )

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture(params=["short way", "boto3"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to SQS: the second is what a tracer makes of the first."""
    if request.param == "boto3":
        own = vars(BaseClient)["_make_api_call"]
        monkeypatch.setattr(BaseClient, "_make_api_call", functools.partialmethod(own))
    return str(request.param)


ONE = RawDelivery(message_id="a", receipt_handle="b", body=b"")


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_a_receive_and_a_delete_are_waited_out(server: Server, way: str, name: str) -> None:
    server.body = NO_ANSWERS[name]
    queue = SqsQueue(server.settings)
    if name == "utf-16":  # is JSON
        with suppress(QueueUnavailable):
            assert queue.receive(10, 0) == []
    else:
        with pytest.raises(QueueUnavailable, match="SQS"):
            queue.receive(10, 0)
    with suppress(QueueUnavailable):
        assert queue.delete([ONE]) == [ONE]


@pytest.mark.parametrize("name", [*NO_ANSWERS, "empty", "no number"])
def test_attributes_of_a_queue_are_waited_out(server: Server, name: str) -> None:
    others = {"empty": b"{}", "no number": json.dumps({"Attributes": {DEPTH: "many"}}).encode()}
    server.body = {**NO_ANSWERS, **others}[name]
    with pytest.raises(QueueUnavailable, match="GetQueueAttributes"):
        read_queue_attributes(server.settings, server.settings.queue_url, [DEPTH], attempts=1)


def test_chunks_that_are_none_are_waited_out(server: Server, way: str) -> None:
    server.body, server.headers = b"zz\r\n{}", [("Transfer-Encoding", "chunked"), ("Connection", "close")]
    with pytest.raises(QueueUnavailable):
        SqsQueue(server.settings).receive(10, 0)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 403, 404, 429, 500, 503])
def test_other_statuses_are_waited_out(server: Server, way: str, status: int) -> None:
    server.status, server.headers = status, [("Location", "/elsewhere")]
    server.body = b"<html></html>"
    with pytest.raises(QueueUnavailable):
        SqsQueue(server.settings).receive(10, 0)


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_that_is_no_message_leaves_its_neighbours_alone(server: Server, way: str, name: str) -> None:
    server.body = json.dumps({"Messages": [ENTRIES[name], GOOD]}).encode()
    try:
        (received,) = SqsQueue(server.settings).receive(10, 0)
    except QueueUnavailable:
        assert way == "boto3"  # its parser refuses the whole answer
        return
    assert (received.message_id, received.body) == ("6f1c", BODY.encode())


def test_a_delete_that_is_not_confirmed_is_none(server: Server, way: str) -> None:
    server.body = b"{}"
    assert SqsQueue(server.settings).delete([ONE]) == [ONE]


def test_more_messages_than_were_asked_for_stay_where_they_are(server: Server, way: str) -> None:
    server.body = json.dumps({"Messages": [GOOD] * 50}).encode()
    assert len(SqsQueue(server.settings).receive(3, 0)) == 3


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_a_publish_is_tried_again(server: Server, name: str) -> None:
    server.body = NO_ANSWERS[name]
    finals = []
    try:
        finals = [one.is_final for one in SnsTopic(server.settings, ARN).publish(outgoing(1))]
    except TopicUnavailable as error:
        finals = [error.is_final]
    assert finals == [False]


@pytest.mark.parametrize("headers", [[("Content-Encoding", "gzip")], [("Content-Length", "x")]])
def test_an_object_that_is_none_is_fetched_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, headers: list[tuple[str, str]]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.settings.endpoint_url)
    server.headers, server.body = headers, b"{"
    s3._made.clear()
    with suppress(PayloadUnavailable):
        s3.read(Pointer("bucket", "key"), server.settings)
    s3._made.clear()


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"{}", b"", BODY.encode()])
def test_a_page_that_s3_did_not_send_is_fetched_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """Stored as the payload, a portal's page would end the message as unreadable."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.settings.endpoint_url)
    server.body = body
    s3._made.clear()
    with pytest.raises(PayloadUnavailable, match="no answer of S3") as raised:
        s3.read(Pointer("bucket", "key"), server.settings)
    s3._made.clear()
    assert raised.value.is_away


JUNK = recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([BODY, "6f1c"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*GOOD, "Messages", "Successful", "Failed", "Id"]), inner, max_size=5
        )
    ),
    max_leaves=8,
)
BODIES = (
    st.binary(max_size=60)
    | JUNK.map(json.dumps).map(str.encode)
    | st.lists(st.just(GOOD) | JUNK, max_size=4).map(lambda found: json.dumps({"Messages": found}).encode())
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODIES, status=st.sampled_from([200, 200, 200, 200, 204, 503]))
def test_any_answer_is_messages_or_waited_out(
    asked: tuple[Server, SqsQueue], body: bytes, status: int
) -> None:
    server, queue = asked
    server.body, server.status = body, status
    with suppress(QueueUnavailable):
        for each in queue.receive(10, 0):
            assert each.message_id
            assert each.receipt_handle
            assert each.receive_count >= 1
    with suppress(QueueUnavailable):
        assert queue.delete([ONE]) in ([], [ONE])


@pytest.fixture
def asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[Server, SqsQueue]:
    """A queue that makes one attempt only, so that a 503 is quick."""
    queue = SqsQueue(server.settings)
    for way in (queue._polling, queue._deleting):
        monkeypatch.setattr(way, "_retrying_client", way._client)
    return server, queue


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("short_timeouts")
def test_a_poller_lives_through_all_of_them_and_deletes_nothing_that_it_has_not_stored(
    home: SalesforceOrganization, server: Server
) -> None:
    queue = SqsQueue(server.settings)
    with Running(Poller([lambda: queue], limits=Limits())) as running:
        for body in [*NO_ANSWERS.values(), json.dumps({"Messages": list(ENTRIES.values())}).encode()]:
            server.body = body
            before = len(server.asked)
            while len(server.asked) < before + 2:
                assert running.error is None
        assert not any("Delete" in target for target in server.asked)
        server.body = json.dumps({"Messages": [*ENTRIES.values(), GOOD]}).encode()
        while not any("Delete" in target for target in server.asked):
            assert running.error is None
    assert running.error is None
    assert outcomes() == [("waiting", "")]
