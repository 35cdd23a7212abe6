"""Where one request ends and the next begins.

HTTP says so itself. PostgreSQL's and Redis' clients write a request at once and wait for its answer,
so that what can be read at once is one request, or a part of a very long one.
"""

from __future__ import annotations

import re
from asyncio import StreamReader
from collections.abc import AsyncIterator

CHUNK_BYTES = 65_536
_HTTP = re.compile(rb"(?:GET|POST|PUT|HEAD|DELETE) /")
_END_OF_HEADERS = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


async def requests(reader: StreamReader) -> AsyncIterator[bytes]:
    """Yield the requests of one client, until it ends."""
    read = await reader.read(CHUNK_BYTES)
    is_http = _HTTP.match(read)
    while read:
        if is_http:
            read += await _rest_of_http(read, reader)
        yield read
        read = await reader.read(CHUNK_BYTES)


async def _rest_of_http(begun: bytes, reader: StreamReader) -> bytes:
    """What is missing of a request whose first bytes are `begun`; what there is of it when the client ends."""
    whole = begun
    while (missing := _missing(whole)) and (more := await reader.read(missing)):
        whole += more
    return whole[len(begun) :]


def _missing(request: bytes) -> int:
    """How many bytes to read, at the most, towards the end of this request."""
    head, end, body = request.partition(_END_OF_HEADERS)
    if not end:
        return CHUNK_BYTES
    length = _LENGTH.search(head)
    return max(0, int(length[1]) - len(body)) if length else 0
