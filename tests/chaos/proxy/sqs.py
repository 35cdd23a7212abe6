"""SQS as it is seen on the wire: which request is which, and the answers of an AWS that is not well.

The JSON protocol, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus

RECEIVE = b"AmazonSQS.ReceiveMessage"
DELETE = b"AmazonSQS.DeleteMessageBatch"
ANY = b"AmazonSQS."
PUBLISH = b"Action=PublishBatch"
"""SNS speaks the older query protocol."""

_HANDLE = re.compile(rb'("ReceiptHandle": ?")([^"]+)(")')


def failure(status: HTTPStatus, code: str) -> bytes:
    """An error answer of SQS."""
    body = json.dumps(
        {"__type": f"com.amazonaws.sqs#{code}", "message": "This is the chaos proxy speaking."}
    ).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "content-type: application/x-amz-json-1.0\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


BROKEN = failure(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalFailure")
UNAVAILABLE = failure(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable")
THROTTLED = failure(HTTPStatus.BAD_REQUEST, "RequestThrottled")
DENIED = failure(HTTPStatus.FORBIDDEN, "AccessDeniedException")


def spoil_handles(request: bytes) -> bytes:
    """The same DeleteMessageBatch with every second receipt handle wrong, as if it had expired.

    SQS then deletes the others and names these as failed.
    """
    position = 0

    def spoil(found: re.Match[bytes]) -> bytes:
        nonlocal position
        position += 1
        handle = found[2] if position % 2 else found[2][::-1]
        return found[1] + handle + found[3]

    return _HANDLE.sub(spoil, request)
