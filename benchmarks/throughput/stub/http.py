"""As much of HTTP/1.1 as AWS's clients speak: requests with a length, answered in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import cast

from benchmarks.throughput.stub.api import Api, RefusedError

_TARGET = b"amazonsqs."
_REASONS = {200: b"OK", 400: b"Bad Request", 404: b"Not Found"}
Control = Callable[[str, bytes], dict[str, object]]


class Connection(asyncio.Protocol):
    """One client. A long poll waits in a task; while it does, nothing else is read from this client."""

    def __init__(self, api: Api, control: Control) -> None:
        self._api = api
        self._control = control
        self._buffer = bytearray()
        self._waiting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember who to answer."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:
        """A poll of a client that is gone must not take messages with it."""
        if self._waiting is not None:
            self._waiting.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer all whole requests that have come."""
        self._buffer += data
        while self._waiting is None and (request := self._next_request()):
            self._begin(*request)

    def _next_request(self) -> tuple[bytes, dict[bytes, bytes], bytes] | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        stop = end + 4 + int(headers.get(b"content-length", b"0"))
        if len(self._buffer) < stop:
            return None
        body = bytes(self._buffer[end + 4 : stop])
        del self._buffer[:stop]
        return first, headers, body

    def _begin(self, first: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
        target = headers.get(b"x-amz-target", b"")
        if not target.lower().startswith(_TARGET):
            path = first.split(b" ")[1].decode()
            self._send(200, json.dumps(self._control(path, body)).encode())
            return
        action, words = target[len(_TARGET) :].decode(), json.loads(body or b"{}")
        if action == "ReceiveMessage":
            self._waiting = asyncio.get_running_loop().create_task(self._receive(words))
            return
        try:
            self._send(200, self._api.answer(action, words))
        except RefusedError as refusal:
            self._refuse(refusal)

    async def _receive(self, words: dict[str, object]) -> None:
        try:
            self._send(200, await self._api.receive(words))
        except RefusedError as refusal:
            self._refuse(refusal)
        self._waiting = None
        self.data_received(b"")  # what came while it waited

    def _refuse(self, refusal: RefusedError) -> None:
        said = {"__type": f"com.amazonaws.sqs#{refusal.kind}", "message": str(refusal)}
        older = f"x-amzn-query-error: {refusal.code};Sender\r\n".encode()
        self._send(400, json.dumps(said).encode(), older)

    def _send(self, status: int, body: bytes, headers: bytes = b"") -> None:
        self._transport.write(
            b"HTTP/1.1 %d %s\r\n%bx-amzn-RequestId: 0\r\nContent-Type: application/x-amz-json-1.0\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (status, _REASONS[status], headers, len(body), body)
        )
