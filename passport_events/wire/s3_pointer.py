"""Pointers: what the extended clients of SQS and SNS send in place of a payload that is too large.

A pointer is `[class name, {"s3BucketName": ..., "s3Key": ...}]`; the payload is an object in S3. It
is only read here: a worker fetches the object (`receiving/s3.py`). Format: `PayloadS3Pointer` in
awslabs/payload-offloading-java-common-lib, and `MessageS3Pointer` before it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json

from passport_events.conf import Settings
from passport_events.conf_validators import is_bucket
from passport_events.exceptions import Unreadable
from passport_events.wire.json_fields import require_text, schema_error

NAME = "s3-pointer"
CLASSES = (
    "software.amazon.payloadoffloading.PayloadS3Pointer",
    "com.amazon.sqs.javamessaging.MessageS3Pointer",
)
MEMBERS = ("s3BucketName", "s3Key")
MAX_KEY_BYTES = 1_024
"""Bytes of a key, as S3 allows."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pointer:
    """An object in S3."""

    bucket: str
    key: str = dataclasses.field(repr=False)
    """Whoever publishes chose it, and it may name a student."""

    def content(self) -> dict[str, str]:
        """As JSON, for the row that waits for a worker."""
        return {"bucket": self.bucket, "key": self.key}

    def content_hash(self) -> str:
        """sha256 of where it points, which no envelope can change."""
        return hashlib.sha256(json.dumps([self.bucket, self.key]).encode()).hexdigest()


def matches(body: object) -> bool:
    """By the class name, from the shape alone. Without one the object could be anybody's."""
    return isinstance(body, list) and bool(body) and body[0] in CLASSES


def parse_pointer(body: list[object], settings: Settings, *, is_payload: bool) -> Pointer:
    """The pointer of a body that was recognised.

    Raises Unreadable: `schema`, `bucket_not_allowed`, and `pointer_to_pointer` for what a pointer
    led to, because a chain of them has no end that anybody could know.
    """
    if is_payload:
        raise Unreadable("pointer_to_pointer", "the payload of a pointer must not be one")
    held = body[1] if len(body) == 2 else None
    if not isinstance(held, dict):
        raise schema_error("a pointer", "be a class name and an object")
    bucket, key = (require_text(held, name) for name in MEMBERS)
    if not is_bucket(bucket):
        raise schema_error("s3BucketName", "be the name of a bucket")
    _check_key(key)
    found = Pointer(bucket, key)
    check_bucket(found, settings)
    return found


def check_bucket(pointer: Pointer, settings: Settings) -> None:
    """Raise Unreadable `bucket_not_allowed` unless the settings name its bucket."""
    if pointer.bucket not in settings.s3_payload_buckets:
        raise Unreadable("bucket_not_allowed", "s3BucketName is not in S3_PAYLOAD_BUCKETS")


def _check_key(key: str) -> None:
    if "\0" in key or len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise schema_error("s3Key", f"be at most {MAX_KEY_BYTES} bytes without NUL")
    if not {".", ".."}.isdisjoint(key.split("/")):
        # Whatever tidies the path of a request on its way would ask for another bucket.
        raise schema_error("s3Key", "have neither . nor .. between slashes")
