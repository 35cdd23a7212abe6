"""Reading an object from S3, which is the only thing that is ever asked of it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from passport_events.aws_clients.clients import AWS_ERRORS, READ_MARGIN_SECONDS, client, is_our_fault, kind_of
from passport_events.conf import Settings
from passport_events.exceptions import PassportEventsError, PayloadUnavailable, Unreadable
from passport_events.wire.s3_pointer import Pointer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

MAX_READ_SECONDS = 30
"""An object that has not come by then is asked for again later."""
CHUNK = 8_192
"""Bytes between two looks at the clock."""


def read(pointer: Pointer, settings: Settings) -> bytes:
    """The bytes of an object.

    Raises PayloadUnavailable when S3 does not hand it out, and Unreadable `too_large`.
    """
    limit = settings.max_body_bytes
    try:
        response = _client(settings).get_object(Bucket=pointer.bucket, Key=pointer.key)
        with contextlib.closing(response["Body"]):
            if not response.get("ETag"):  # every object has one; a proxy's page with status 200 has not
                raise PayloadUnavailable(pointer.bucket, "what came is no answer of S3", is_away=True)
            _check_size(response.get("ContentLength", 0), limit)
            found = _read(response, limit, pointer)
    except PassportEventsError:
        raise
    except AWS_ERRORS as error:
        raise PayloadUnavailable(pointer.bucket, kind_of(error), is_away=not is_our_fault(error)) from error
    _check_size(len(found), limit)
    return found


def _read(response: GetObjectOutputTypeDef, limit: int, pointer: Pointer) -> bytes:
    """All of it, but no more than one byte above the limit, whatever its length was said to be."""
    deadline = time.monotonic() + MAX_READ_SECONDS
    found = bytearray()
    while chunk := response["Body"].read(min(CHUNK, limit + 1 - len(found))):
        found += chunk
        if time.monotonic() > deadline:
            what = f"it has not come within {MAX_READ_SECONDS} seconds"
            raise PayloadUnavailable(pointer.bucket, what, is_away=False)
    return bytes(found)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Unreadable("too_large", f"at least {size} bytes in S3, {limit} are allowed")


_made: list[tuple[Settings, S3Client]] = []


def _client(settings: Settings) -> S3Client:
    """One client as long as the settings stay; making one takes as long as many reads."""
    for made_for, found in _made:
        if made_for is settings:
            return found
    made: S3Client = client(settings, "s3", 2 * READ_MARGIN_SECONDS)
    _made[:] = [(settings, made)]
    return made
