"""One connection of a client, and its connection to the server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field
from random import Random

from tests.chaos.proxy.requests import CHUNK_BYTES, requests
from tests.chaos.proxy.shape import CLEAR, Shape
from tests.chaos.proxy.traps import Answer, CutRequest, Edit, HoldReply, HoldRequest, LoseReply, Trap

_LINGER_RESET = struct.pack("ii", 1, 0)
_LAST_WORDS_SECONDS = 5
"""How long a server whose client is gone may go on with what it was asked."""


@dataclass
class Conditions:
    """What holds for every connection of one proxy. Changed in the proxy's thread only."""

    random: Random
    passing: asyncio.Event
    """Not set: a black hole. Bytes wait here and are passed on when it ends, as TCP would."""
    shape: Shape = CLEAR
    traps: list[Trap] = field(default_factory=list)


def reset(writer: StreamWriter) -> None:
    """End a connection with RST, and drop what is still to be written."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    writer.transport.abort()


class Link:
    """Passes requests one way and replies the other, under the proxy's conditions."""

    def __init__(
        self,
        conditions: Conditions,
        client: tuple[StreamReader, StreamWriter],
        server: tuple[StreamReader, StreamWriter],
    ) -> None:
        self._conditions = conditions
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._client_port: int = self._to_client.get_extra_info("peername")[1]
        self._awaited: Trap | None = None
        """The trap that the next reply falls into."""

    async def run(self) -> None:
        """Return when the connection has ended on both sides."""
        asking = asyncio.create_task(self._pass_requests())
        try:
            await self._pass_replies()
        except OSError:
            reset(self._to_client)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            if self._awaited is not None:
                self._awaited.missed()
            self._to_client.close()
            self._to_server.close()

    def cut(self) -> None:
        """RST to both."""
        reset(self._to_client)
        reset(self._to_server)

    async def _pass_requests(self) -> None:
        try:
            async for request in requests(self._from_client):
                await self._conditions.passing.wait()
                await self._ask(request)
            await self._conditions.passing.wait()
            self._to_server.write_eof()
        except OSError:
            self.cut()

    async def _ask(self, request: bytes) -> None:
        traps = self._conditions.traps
        trap = next((trap for trap in traps if trap.takes(self, self._client_port, request)), None)
        match trap and trap.action:
            case Answer(reply):
                await self._send(self._to_client, reply)
                self._spring(trap)
                return
            case CutRequest():
                self._to_server.write(request[: len(request) // 2])
                self._to_server.write_eof()
                reset(self._to_client)
                self._spring(trap)
                return
            case Edit(change):
                request = change(request)
                self._spring(trap)
            case HoldRequest() if trap:
                self._spring(trap)
                await trap.released.wait()
                if trap.is_dropped:
                    self.cut()
                    return
            case LoseReply() | HoldReply():
                self._awaited = trap
        await self._send(self._to_server, request)

    async def _pass_replies(self) -> None:
        while reply := await self._from_server.read(CHUNK_BYTES):
            await self._conditions.passing.wait()
            trap, self._awaited = self._awaited, None
            if trap and isinstance(trap.action, LoseReply):
                reset(self._to_client)
                self._spring(trap)
                await self._let_server_end()
                return
            if trap:
                self._spring(trap)
                await trap.released.wait()
            await self._send(self._to_client, reply)
        await self._conditions.passing.wait()

    async def _let_server_end(self) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                self._to_server.write_eof()
                while await self._from_server.read(CHUNK_BYTES):
                    pass

    async def _send(self, writer: StreamWriter, chunk: bytes) -> None:
        shape = self._conditions.shape
        if shape is CLEAR:
            writer.write(chunk)
            await writer.drain()
            return
        await asyncio.sleep(shape.pause_before(self._conditions.random))
        for piece in shape.pieces(chunk):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(shape.pause_after(len(piece)))

    def _spring(self, trap: Trap | None) -> None:
        if trap is not None:
            trap.spring(self._client_port)
