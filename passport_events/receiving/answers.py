"""What SQS's answer to a receive holds, and what in it is no message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from passport_events.wire.raw_delivery import RawDelivery

_MAX_ID_LENGTH = 128
_OK = 200
_KEYS = frozenset(("Messages", "ResponseMetadata"))


class NoAnswerOfSqsError(Exception):
    """A page with status 200 that SQS did not send: a proxy's, a portal's, another service's."""


def require_answer(response_dict: Mapping[str, Any], operation_model: Any, **context: Any) -> None:
    """Refuse a page with status 200 that SQS did not send; a handler of botocore's `before-parse`.

    botocore makes an answer without messages of any text, and drops what it does not know.
    Raises NoAnswerOfSqsError.
    """
    if response_dict["status_code"] == _OK:
        known = set(getattr(operation_model.output_shape, "members", ()))
        if not set(parse_answer(response_dict["body"])) <= known:
            raise NoAnswerOfSqsError


def parse_answer(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds. Raises NoAnswerOfSqsError."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoAnswerOfSqsError from error
    if not isinstance(found, dict):
        raise NoAnswerOfSqsError
    return found


def received_in(response: Any, queue: str, limit: int) -> tuple[list[RawDelivery], int]:
    """Return the messages of an answer, and how many entries are none. Raises NoAnswerOfSqsError."""
    messages = _messages_of(response)[:limit]
    found = [_received(entry, queue) for entry in messages]
    return [each for each in found if each is not None], found.count(None)


def _messages_of(response: Any) -> list[Any]:
    # An empty receive is {}; anything else that has no messages says something that is not for us.
    if not isinstance(response, Mapping) or not set(response) <= _KEYS:
        raise NoAnswerOfSqsError
    messages = response.get("Messages")
    if messages is None:
        return []
    if not isinstance(messages, list):
        raise NoAnswerOfSqsError
    return messages


def _received(entry: Any, queue: str) -> RawDelivery | None:
    """None where it could not be stored truly, or not be deleted: then it must not be touched."""
    if not isinstance(entry, Mapping):
        return None
    message_id, handle, body = entry.get("MessageId"), entry.get("ReceiptHandle"), entry.get("Body")
    if not isinstance(message_id, str) or not isinstance(handle, str) or not isinstance(body, str):
        return None
    if not _is_id(message_id) or not handle:
        return None
    data = body.encode("utf-8", "surrogatepass")
    if not _is_whole(data, entry.get("MD5OfBody")):
        return None
    attributes, message_attributes = entry.get("Attributes"), entry.get("MessageAttributes")
    return RawDelivery(
        queue=queue,
        message_id=message_id,
        receipt_handle=handle,
        body=data,
        attributes=_only(attributes, str),
        message_attributes=_only(message_attributes, Mapping),
    )


def _is_id(text: str) -> bool:
    """What the database takes as an id, whatever it is."""
    return 0 < len(text) <= _MAX_ID_LENGTH and text.isascii() and text.isprintable()


def _is_whole(data: bytes, digest: Any) -> bool:
    """Whether the body is the one that SQS holds, where it says so."""
    return digest is None or hashlib.md5(data, usedforsecurity=False).hexdigest() == digest


def _only(attributes: Any, kind: type) -> dict[str, Any]:
    if not isinstance(attributes, Mapping):
        return {}
    return {name: value for name, value in attributes.items() if isinstance(value, kind)}
