"""What a few organizations said in three days, without any envelope."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from passport_events.testing import contract_message, organization_id, record_id, relay_message
from passport_events.testing.factories import COMMITTED_MS
from tests.receiving.envelopes import Change, Contract, Platform, Said
from tests.receiving.factories import written_heartbeat

LIVE, ALSO_LIVE, OFF, UNKNOWN = (organization_id(number) for number in range(1, 5))
OFFER = "Offer_Sent__e"
HEARTBEAT = "Passport_Heartbeat__e"
OWN_CLIENT = "passport"
ENTITIES = ("Opportunity", "ContentVersion", "OpportunityLineItem")
RECORDS = 8
_SECOND = 1_000
_HOUR = 3_600 * _SECOND


def history(chance: Random) -> list[Said]:
    """Several hundred events, in the order in which they happened."""
    said: list[Said] = []
    for organization in (LIVE, ALSO_LIVE):
        for entity in ENTITIES:
            for number in range(RECORDS):
                said += _life(organization, entity, number, chance)
            said += _merged(organization, entity, chance)
        said += _offers(organization)
        said += _written_by_people(organization)
        said += _heartbeats(organization)
    for organization in (OFF, UNKNOWN):
        said += _life(organization, "Opportunity", 0, chance)
        said += _offers(organization)[:2]
    return said


def _life(organization: str, entity: str, number: int, chance: Random) -> Iterator[Change]:
    """One record from its creation to its end, or not quite."""
    record = record_id(entity, number)
    at = COMMITTED_MS + number * _HOUR

    def change(kind: str, fields: Any, seconds: int, sequence: int = 1, **more: Any) -> Change:
        when = {"at_ms": at + seconds * _SECOND, "sequence": sequence}
        return _change(organization, entity, record, kind, fields, **when, **more)

    yield change("CREATE", {"Name": f"name {number}", "Amount": 100.0}, 0)
    # Several changes of a second have the same commitTimestamp, as Salesforce writes it.
    for step in range(2, 2 + chance.randint(1, 3)):
        fields = {
            "Name": f"name {number}.{step}",
            "Home": {"City": None, "PostalCode": "0815"},
            "Rate": 0.1 * step,
        }
        yield change("UPDATE", fields, 0, step)
    if number % 3 == 0:
        yield change("GAP_UPDATE", {}, 1)
    if number % 2 == 0:
        echo = f"com/salesforce/api/rest/66.0;client={OWN_CLIENT}"
        yield change("UPDATE", {"Own__c": 1}, 2, origin=echo)
    if number % 4 < 3:
        yield change("DELETE", {}, 3)
    if number % 4 < 2:
        yield change("UNDELETE", {"Name": "again"}, 4)


def _merged(organization: str, entity: str, chance: Random) -> Iterator[Change]:
    """The same change of many records within a second is one event."""
    for step in range(4):
        numbers = chance.sample(range(RECORDS), 5)
        records = [record_id(entity, number) for number in numbers]
        at = COMMITTED_MS + (RECORDS + step) * _HOUR
        yield _change(
            organization, entity, records, "UPDATE", {"Stage": f"stage {step}"}, at_ms=at, sequence=1
        )


def _change(
    organization: str, entity: str, records: str | Sequence[str], change: str, fields: Any, **when: Any
) -> Change:
    # Beyond what a double can hold.
    number = when["at_ms"] * 1_000_000 + when["sequence"] * 1_111_111
    body = relay_message(entity, records, change, fields, organization=organization, number=number, **when)
    return Change(organization, body["detail"]["payload"])


def _offers(organization: str) -> list[Platform]:
    """Platform events, every second one without EventUuid."""
    return [
        Platform(
            organization,
            OFFER,
            {
                "Record_Id__c": record_id("Opportunity", 100 + number),
                "CreatedDate": COMMITTED_MS + number * _SECOND,
                "Stage__c": f"offer {number}",
                "Amount__c": 1_000.0 + number,
                "Note__c": None,
                "EventUuid": str(uuid.UUID(int=number)) if number % 2 else None,
            },
        )
        for number in range(24)
    ]


def _heartbeats(organization: str) -> list[Said]:
    """One of each shape."""
    relayed = Platform(organization, HEARTBEAT, {"CreatedDate": COMMITTED_MS})
    return [relayed, Contract(organization, written_heartbeat(organization, COMMITTED_MS + _HOUR))]


def messages_of(said: Said) -> int:
    """How many messages an event makes: one for each record, and none if it is a heartbeat."""
    if isinstance(said, Change):
        return len(said.payload["ChangeEventHeader"]["recordIds"])
    kind = said.name if isinstance(said, Platform) else said.message["type"]
    return 0 if "heartbeat" in kind.lower() else 1


def _written_by_people(organization: str) -> Iterator[Contract]:
    for number in range(24):
        record = record_id("OpportunityLineItem", 100 + number)
        change = ("upserted", "updated", "deleted")[number % 3]
        message = contract_message(
            "item",
            record,
            {"Quantity": 1.0 * number},
            change,
            organization=organization,
            message_id=f"id {number}",
        )
        yield Contract(organization, message)
