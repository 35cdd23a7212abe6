"""The way of the messages as an AsyncAPI 3.0.0 document: topic, subscription, queue, and what they carry.

It is written from our side: we receive. Names of the topic and the queues are proposals; each
deployment has its own. Fields: the AsyncAPI specification 3.0.0 and its bindings for SNS and SQS.
Their version is not named, because the specification's own schema knows an older one of each.
"""

from __future__ import annotations

from typing import Any

from passport_events.contract import VERSION
from passport_events.contract.field_types import ORGANIZATION_PATTERN, anchor_pattern
from passport_events.contract.sample_messages import VALID
from passport_events.contract.types import TYPES
from passport_events.event import CHANGE_WORDS

_TOPIC = "passport-events"
_QUEUE = "passport-events"
_DEAD_LETTERS = "passport-events-dead-letters"
_UNDELIVERED = "passport-events-undelivered"
_DAY_SECONDS = 86_400
_CHANNEL = "salesforceEvents"

ATTRIBUTES: dict[str, dict[str, Any]] = {
    "event_type": {"description": "`opportunity`, `attachment`, `item` or `heartbeat`."},
    "org_id": {
        "description": "The organization. Where the body names another one, the message is quarantined.",
        "pattern": anchor_pattern(ORGANIZATION_PATTERN),
    },
    "entity": {"description": "API name of the Salesforce object."},
    "change_type": {"description": "What happened to the record.", "enum": list(CHANGE_WORDS)},
    "schema_version": {"description": "The version of the contract, like `1.0.0`."},
    "event_id": {"description": "The `id` of the body."},
}
"""The message attributes of SNS that are agreed. The body says everything without them."""


def build_document() -> dict[str, Any]:
    """The whole document. Schemas are referred to as files beside it."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:passport-events:contract",
        "info": {
            "title": "Salesforce events for passport_events",
            "version": VERSION,
            "description": "What a Salesforce platform team publishes to SNS, and passport_events receives.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "sns": {
                "host": "sns.{region}.amazonaws.com",
                "protocol": "sns",
                "variables": {"region": {"default": "us-east-1", "description": "Where the topic is."}},
            }
        },
        "channels": {_CHANNEL: _build_channel()},
        "operations": {"receiveSalesforceEvents": _build_operation()},
        "components": {
            "messages": {kind: _build_message(kind) for kind in TYPES},
            "schemas": {"attributes": _build_attributes()},
        },
    }


def _build_channel() -> dict[str, Any]:
    return {
        "address": _TOPIC,
        "title": "The topic",
        "description": "A standard topic: order is in each message, and a message may come twice.",
        "servers": [{"$ref": "#/servers/sns"}],
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in TYPES},
        "bindings": {"sns": {"name": _TOPIC, "ordering": {"type": "standard"}}},
    }


def _build_operation() -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "title": "Receive through SQS",
        "description": (
            "A message is accepted once it is in the queue. The subscription has no filter: one on "
            "attributes would drop every event of the Event Relay, which has none."
        ),
        "messages": [{"$ref": f"#/channels/{_CHANNEL}/messages/{kind}"} for kind in TYPES],
        "bindings": {
            "sns": {"topic": {"name": _TOPIC}, "consumers": [_build_subscription()]},
            "sqs": _build_queues(),
        },
    }


def _build_subscription() -> dict[str, Any]:
    return {
        "protocol": "sqs",
        "endpoint": {"name": _QUEUE},
        "rawMessageDelivery": False,
        "redrivePolicy": {"deadLetterQueue": {"name": _UNDELIVERED}},
    }


def _build_queues() -> dict[str, Any]:
    return {
        "queues": [
            {
                "name": _QUEUE,
                "fifoQueue": False,
                "visibilityTimeout": 60,
                "receiveMessageWaitTime": 20,
                "messageRetentionPeriod": 4 * _DAY_SECONDS,
                "redrivePolicy": {"deadLetterQueue": {"name": _DEAD_LETTERS}, "maxReceiveCount": 10},
            },
            {"name": _DEAD_LETTERS, "fifoQueue": False, "messageRetentionPeriod": 14 * _DAY_SECONDS},
            {"name": _UNDELIVERED, "fifoQueue": False, "messageRetentionPeriod": 14 * _DAY_SECONDS},
        ]
    }


def _build_message(kind: str) -> dict[str, Any]:
    is_relayed = kind == "change_event"
    return {
        "name": kind,
        "title": TYPES[kind].__name__,
        "summary": TYPES[kind].__doc__,
        "contentType": "application/json" if is_relayed else "application/cloudevents+json",
        # EventBridge sets no attributes when it sends to SNS.
        **({} if is_relayed else {"headers": {"$ref": "#/components/schemas/attributes"}}),
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{kind}.schema.json"},
        },
        "examples": [{"name": "valid", "payload": VALID[kind]}],
    }


def _build_attributes() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "SNS drops a message that has more than ten where raw delivery is on.",
        "properties": {name: {"type": "string", **rules} for name, rules in ATTRIBUTES.items()},
        "additionalProperties": True,
        "maxProperties": 10,
    }
