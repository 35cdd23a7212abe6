"""Read objects from S3."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from passport_events.aws_clients.clients import (
    AWS_ERRORS,
    READ_MARGIN_SECONDS,
    create_client,
    get_error_code,
    is_client_fault,
)
from passport_events.conf import Settings
from passport_events.exceptions import PassportEventsError, PayloadUnavailable, Unreadable
from passport_events.wire.s3_pointer import Pointer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

MAX_READ_SECONDS = 30
"""The time limit for reading one object."""
CHUNK_BYTES = 8_192
"""The size of a read; the time limit is checked after each."""


def read(pointer: Pointer, settings: Settings) -> bytes:
    """Read the bytes of an object.

    Raises PayloadUnavailable if S3 does not return it, and Unreadable `too_large`.
    """
    limit = settings.max_body_bytes
    try:
        response = _get_client(settings).get_object(Bucket=pointer.bucket, Key=pointer.key)
        with contextlib.closing(response["Body"]):
            if not response.get("ETag"):  # a response with status 200 that is not from S3
                raise PayloadUnavailable(pointer.bucket, "what came is no answer of S3", is_away=True)
            _check_size(response.get("ContentLength", 0), limit)
            found = _read(response, limit, pointer)
    except PassportEventsError:
        raise
    except AWS_ERRORS as error:
        raise PayloadUnavailable(
            pointer.bucket, get_error_code(error), is_away=not is_client_fault(error)
        ) from error
    _check_size(len(found), limit)
    return found


def _read(response: GetObjectOutputTypeDef, limit: int, pointer: Pointer) -> bytes:
    """Read at most one byte above the limit, whatever the declared length is."""
    deadline = time.monotonic() + MAX_READ_SECONDS
    found = bytearray()
    while chunk := response["Body"].read(min(CHUNK_BYTES, limit + 1 - len(found))):
        found += chunk
        if time.monotonic() > deadline:
            what = f"it has not come within {MAX_READ_SECONDS} seconds"
            raise PayloadUnavailable(pointer.bucket, what, is_away=False)
    return bytes(found)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Unreadable("too_large", f"at least {size} bytes in S3, {limit} are allowed")


_made: list[tuple[Settings, S3Client]] = []


def _get_client(settings: Settings) -> S3Client:
    """Get the client for these settings. Creating one takes as long as many reads."""
    for made_for, found in _made:
        if made_for is settings:
            return found
    made: S3Client = create_client(settings, "s3", 2 * READ_MARGIN_SECONDS)
    _made[:] = [(settings, made)]
    return made
