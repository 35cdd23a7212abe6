"""The same event again as another hop would hand it over: everything around it is new."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

from passport_events.wire.raw_delivery import RawDelivery

NOW_MS = 1_778_500_000_000
"""When the copies are on their way: three days after the first event of a test."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A change event: the payload with its ChangeEventHeader. Four formats can carry it."""

    organization: str
    payload: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Platform:
    """A platform event's payload, which only the relay carries."""

    organization: str
    name: str
    payload: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Contract:
    """A message of our contract, which is its own envelope."""

    organization: str
    message: dict[str, Any]


Said = Change | Platform | Contract


@dataclasses.dataclass(frozen=True)
class Parcel:
    """What a queue is given: a body, and attributes beside it."""

    body: str
    attributes: dict[str, str]

    def received(self, chance: Random) -> RawDelivery:
        """The same as SQS hands it out, with ids and times of its own."""
        return RawDelivery(
            message_id=an_id(chance),
            receipt_handle=an_id(chance),
            body=self.body.encode(),
            attributes={
                "SentTimestamp": str(a_time(chance)),
                "ApproximateReceiveCount": str(chance.randint(1, 4)),
            },
            message_attributes={
                name: {"DataType": "String", "StringValue": value} for name, value in self.attributes.items()
            },
        )


def parcel(said: Said, chance: Random) -> Parcel:
    """An event on one of the ways that it can take, through envelopes that nobody has seen before."""
    body, names_organization = _body(said, chance)
    attributes = {"event_type": "any"} if chance.random() < 0.5 else {}
    if not names_organization or chance.random() < 0.5:
        attributes["org_id"] = said.organization[: chance.choice((15, 18))]
    if chance.random() < 0.3:
        body = javascript(body)
    if chance.random() < 0.5:
        return Parcel(spelled(body, chance), attributes)
    return Parcel(spelled(notification(spelled(body, chance), attributes, chance), chance), {})


def _body(said: Said, chance: Random) -> tuple[dict[str, Any], bool]:
    """The body, and whether it says which organization it is of."""
    if isinstance(said, Contract):
        return said.message | _siblings(chance), True
    if isinstance(said, Platform):
        return relayed(said.payload, said.name, said.organization, chance), True
    way = chance.choice((_relayed, _flowed, _alone, _streamed))
    return way(said, chance), way is _relayed


def _relayed(said: Change, chance: Random) -> dict[str, Any]:
    name = f"{said.payload['ChangeEventHeader']['entityName']}ChangeEvent"
    return relayed(said.payload, name, said.organization, chance)


def _flowed(said: Change, chance: Random) -> dict[str, Any]:
    source = f"aws.partner/appflow/salesforce.com/{chance.randrange(10**12)}/flow"
    return {**_event_of_eventbridge(chance), "detail-type": "x", "source": source, "detail": said.payload}


def _alone(said: Change, chance: Random) -> dict[str, Any]:
    return dict(said.payload)


def _streamed(said: Change, chance: Random) -> dict[str, Any]:
    message = {
        "schema": an_id(chance),
        "payload": said.payload,
        "event": {"replayId": chance.randrange(10**6)},
    }
    return message if chance.random() < 0.5 else {"channel": "/data/ChangeEvents", "data": message}


def relayed(payload: dict[str, Any], name: str, organization: str, chance: Random) -> dict[str, Any]:
    """As the Event Relay hands it on; what stands beside `payload` is not documented."""
    channel = f"0YL{chance.randrange(10**12):012}AAA"
    return {
        **_event_of_eventbridge(chance),
        "detail-type": name,
        "source": f"aws.partner/salesforce.com/{organization}/{channel}",
        "detail": {**_siblings(chance), "payload": payload},
    }


def _event_of_eventbridge(chance: Random) -> dict[str, Any]:
    replayed = {"replay-name": "after the outage"} if chance.random() < 0.3 else {}
    return {
        "version": "0",
        "id": an_id(chance),
        "account": f"{chance.randrange(10**12):012}",
        "time": "2026-05-10T12:00:00Z",
        "region": chance.choice(("us-east-1", "eu-central-1")),
        "resources": [an_id(chance)] if chance.random() < 0.5 else [],
        **replayed,
    }


def _siblings(chance: Random) -> dict[str, Any]:
    usual = {"replayid": chance.randrange(10**9), "schemaId": an_id(chance), "note": {"payload": None}}
    return {name: value for name, value in usual.items() if chance.random() < 0.5}


def notification(message: str, attributes: dict[str, str], chance: Random) -> dict[str, Any]:
    """What SNS makes of a message."""
    return {
        "Type": "Notification",
        "MessageId": an_id(chance),
        "TopicArn": f"arn:aws:sns:us-east-1:123456789012:{chance.choice(('events', 'again'))}",
        "Message": message,
        "Timestamp": "2026-05-10T12:00:01.123Z",
        "SignatureVersion": "1",
        "Signature": an_id(chance),
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/x.pem",
        "UnsubscribeURL": f"https://sns.us-east-1.amazonaws.com/?x={an_id(chance)}",
        "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in attributes.items()},
    }


def javascript(value: Any) -> Any:
    """What JSON.stringify(JSON.parse(...)) makes of a value: every number is a double."""
    if isinstance(value, dict):
        return {name: javascript(item) for name, item in value.items()}
    if isinstance(value, list):
        return [javascript(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def spelled(value: Any, chance: Random) -> str:
    """JSON with another order of keys, other spaces and other escapes."""
    return json.dumps(
        _shuffled(value, chance.shuffle),
        indent=chance.choice((None, None, 1, 4)),
        ensure_ascii=chance.random() < 0.5,
        separators=chance.choice((None, (",", ":"), (" , ", " : "))),
    )


def _shuffled(value: Any, shuffle: Callable[[list[Any]], None]) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, shuffle) for item in value]
    if not isinstance(value, dict):
        return value
    members = [(name, _shuffled(item, shuffle)) for name, item in value.items()]
    shuffle(members)
    return dict(members)


def an_id(chance: Random) -> str:
    """An id that was never seen before."""
    return str(UUID(int=chance.getrandbits(128), version=4))


def a_time(chance: Random) -> int:
    """Milliseconds since 1970."""
    return NOW_MS + chance.randrange(10**7)
