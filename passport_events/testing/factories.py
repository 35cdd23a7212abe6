"""Messages as Salesforce's platform team sends them, made from a few arguments."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from passport_events import exact_json
from passport_events.salesforce_ids import normalize_id

PREFIXES = {
    "Account": "001",
    "Opportunity": "006",
    "Organization": "00D",
    "Attachment": "00P",
    "OpportunityLineItem": "00k",
    "ContentVersion": "068",
    "ContentDocumentLink": "06A",
}
"""The first three characters that Salesforce gives the ids of standard objects."""

_CUSTOM_PREFIX = "a00"
"""That of an organization's first custom object."""

COMMITTED_MS = 1_778_192_987_000
"""When the first event of a test happened: 2026-05-07T22:29:47Z."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def record_id(entity: str, number: int) -> str:
    """The 18-character id of the `number`-th record of an entity; valid checksum included.

    An entity without a prefix of its own above is taken for a custom object.
    """
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return normalize_id(PREFIXES.get(entity, _CUSTOM_PREFIX) + digits.rjust(12, "0"))


def organization_id(number: int) -> str:
    """The 18-character id of the `number`-th organization."""
    return record_id("Organization", number)


def relay_message(
    entity: str,
    records: str | Sequence[str],
    change: str = "CREATE",
    fields: Mapping[str, Any] | None = None,
    *,
    organization: str,
    at_ms: int = COMMITTED_MS,
    number: int | None = None,
    sequence: int = 1,
    transaction: str | None = None,
    changed_fields: Sequence[str] | None = None,
    origin: str = "",
) -> dict[str, Any]:
    """A change event as Event Relay hands it to EventBridge.

    `changed_fields` is what an UPDATE names; by default the fields it carries. Without
    `transaction` each time and record set makes its own.
    """
    ids = [records] if isinstance(records, str) else list(records)
    values = dict(fields or {})
    named = list(values) if changed_fields is None else list(changed_fields)
    header = {
        "entityName": entity,
        "recordIds": ids,
        "changeType": change,
        "changeOrigin": origin,
        "transactionKey": transaction or _make_transaction_key(change, at_ms, sequence, ids),
        "sequenceNumber": sequence,
        "commitTimestamp": at_ms,
        "commitNumber": at_ms * 1_000_000 if number is None else number,
        "commitUser": "005ak00000EpjsfAAB",
        "changedFields": named if change == "UPDATE" else [],
    }
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": f"{entity}ChangeEvent",
        "source": f"aws.partner/salesforce.com/{organization}/0YL5f000000CabWGAS",
        "account": "111122223333",
        "time": _format_time(at_ms),
        "region": "us-east-1",
        "resources": [],
        "detail": {"payload": {"ChangeEventHeader": header, **values}},
    }


def contract_message(
    event_type: str,
    record: str,
    data: Mapping[str, Any] | None = None,
    change: str = "upserted",
    *,
    organization: str,
    at_ms: int = COMMITTED_MS,
    number: int = 0,
    sequence: int = 1,
    message_id: str | None = None,
) -> dict[str, Any]:
    """A message of our own contract: CloudEvents 1.0, structured JSON."""
    return {
        "specversion": "1.0",
        "id": message_id or str(uuid.uuid4()),
        "source": f"urn:salesforce:org:{organization}",
        "type": f"edu.example.salesforce.{event_type}.{change}.v1",
        "subject": record,
        "time": _format_time(at_ms),
        "datacontenttype": "application/json",
        "sequence": f"{at_ms:014d}.{number:020d}.{sequence:06d}",
        "orgid": organization,
        "data": {"record_id": record, **(data or {})},
    }


def sns_notification(
    message: Mapping[str, Any] | str,
    *,
    message_id: str | None = None,
    attributes: Mapping[str, str] | None = None,
    trace: Mapping[str, str] | None = None,
    topic: str = "arn:aws:sns:us-east-1:123456789012:passport-events",
) -> str:
    """The body that SQS receives from SNS without raw delivery."""
    typed = {name: {"Type": "String", "Value": value} for name, value in (attributes or {}).items()}
    if trace:
        value = base64.b64encode(json.dumps(dict(trace)).encode()).decode()
        typed["_datadog"] = {"Type": "Binary", "Value": value}
    return exact_json.dumps(
        {
            "Type": "Notification",
            "MessageId": message_id or str(uuid.uuid4()),
            "TopicArn": topic,
            "Message": message if isinstance(message, str) else exact_json.dumps(message),
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "SignatureVersion": "1",
            "Signature": "",
            "SigningCertURL": "",
            "UnsubscribeURL": "",
            "MessageAttributes": typed,
        }
    )


def _make_transaction_key(*parts: object) -> str:
    return str(uuid.UUID(hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()))


def _format_time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
