"""Reading an object: from moto as it should be, and from a server that does not behave."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from passport_events import conf
from passport_events.conf import Settings
from passport_events.exceptions import PayloadUnavailable, Unreadable
from passport_events.receiving import s3
from passport_events.wire.s3_pointer import Pointer
from project.embedded import LOOPBACK
from tests.harness.aws import BUCKET
from tests.receiving.pointing import upload

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

POINTER = Pointer(BUCKET, "k")
LIMIT = 20_000
SETTINGS = Settings(region="us-east-1", max_body_bytes=LIMIT)


@pytest.mark.parametrize("key", ["k", "a/b c?d#e%2e&+=é.json", "..a/.b", "a//b", "é" * 512])
def test_any_key_is_asked_for_as_it_is(bucket: Bucket, key: str) -> None:
    upload(bucket, b"not this", "k%252e")
    upload(bucket, b"bytes", key)
    assert s3.read(Pointer(BUCKET, key), SETTINGS) == b"bytes"


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_what_fits_is_read_to_its_end(bucket: Bucket, size: int) -> None:
    upload(bucket, b"x" * size, "k")
    assert s3.read(POINTER, SETTINGS) == b"x" * size


def test_what_does_not_fit_is_refused(bucket: Bucket) -> None:
    upload(bucket, b"x" * (LIMIT + 1), "k")
    with pytest.raises(Unreadable, match=r"too_large: at least 20001 bytes in S3, 20000 are allowed"):
        s3.read(POINTER, SETTINGS)


def test_one_client_is_made_for_many_reads(bucket: Bucket) -> None:
    upload(bucket, b"x", "k")
    settings = conf.get_settings()
    s3.read(POINTER, settings)
    made = s3._made[0]
    s3.read(POINTER, settings)
    assert s3._made == [made]
    s3.read(POINTER, dataclasses.replace(settings))
    assert s3._made[0] is not made


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """`serve(pieces, headers)` answers every request with these; returns the paths that are asked for."""
    servers: list[ThreadingHTTPServer] = []

    def start(pieces: Iterable[bytes], *headers: tuple[str, str], status: int = 200) -> list[str]:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(status)
                self.send_header("ETag", '"x"')
                for header in headers:
                    self.send_header(*header)
                self.end_headers()
                try:
                    for piece in pieces:
                        self.wfile.write(piece)
                        self.wfile.flush()
                except OSError:
                    return  # the reader has had enough

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{LOOPBACK}:{server.server_port}")
        s3._made.clear()
        return asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
    s3._made.clear()


def test_a_length_that_is_a_lie_is_found_while_reading(serve: Callable[..., list[str]]) -> None:
    """Given an endless object that does not say its length, no more than the limit is read."""
    asked = serve(itertools.repeat(b"x" * 1_000))
    with pytest.raises(Unreadable, match="too_large: at least 20001 bytes"):
        s3.read(POINTER, SETTINGS)
    assert asked == [f"/{BUCKET}/k"]


def test_a_length_above_the_limit_is_enough_to_refuse(serve: Callable[..., list[str]]) -> None:
    serve([], ("Content-Length", "999999999"))
    with pytest.raises(Unreadable, match="too_large: at least 999999999 bytes"):
        s3.read(POINTER, SETTINGS)


def test_an_object_that_comes_too_slowly_is_asked_for_again_later(
    serve: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly() -> Iterator[bytes]:
        while True:
            yield b"x" * s3.CHUNK_BYTES
            time.sleep(0.05)

    monkeypatch.setattr(s3, "MAX_READ_SECONDS", 0.2)
    serve(slowly())
    with pytest.raises(PayloadUnavailable, match=r"has not come within 0\.2 seconds"):
        s3.read(POINTER, Settings(region="us-east-1", max_body_bytes=16_777_216))


@pytest.mark.parametrize(
    ("pieces", "headers", "status", "said", "is_away"),
    [
        ([b"x" * 10], [("Content-Length", "20")], 200, "(IncompleteReadError|ResponseStreamingError)", True),
        ([], [("Content-Length", "0")], 403, "403", False),
        ([], [("Content-Length", "0")], 503, "503", True),
        ([], [("Content-Length", "0"), ("Location", "http://169.254.169.254/")], 302, "302", False),
    ],
    ids=["cut off", "forbidden", "busy", "redirected"],
)
def test_whatever_s3_answers_is_named_by_its_code(
    serve: Callable[..., list[str]],
    pieces: list[bytes],
    headers: list[tuple[str, str]],
    status: int,
    said: str,
    *,
    is_away: bool,
) -> None:
    serve(pieces, *headers, status=status)
    with pytest.raises(
        PayloadUnavailable, match=f"of the bucket {BUCKET}: {said}. See that it is there"
    ) as raised:
        s3.read(POINTER, SETTINGS)
    assert raised.value.is_away is is_away


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{LOOPBACK}:1")
    with pytest.raises(PayloadUnavailable, match="EndpointConnectionError") as raised:
        s3.read(POINTER, dataclasses.replace(SETTINGS))
    assert raised.value.is_away
