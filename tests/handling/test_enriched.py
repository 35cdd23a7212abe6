"""Case D1. Fields that a channel sends along unchanged reach the handler."""

from __future__ import annotations

from typing import Any

import pytest

from passport_events import Event, handles
from passport_events.handling.worker import work
from passport_events.models import SalesforceRecord
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, contract_message, organization_id, record_id, relay_message
from passport_events.testing.factories import COMMITTED_MS
from project.embedded import ValkeyServer
from tests.handling.factories import OPPORTUNITIES, an_organization

pytestmark = pytest.mark.django_db
RECORD = record_id("Opportunity", 1)
Seen = list[tuple[str, dict[str, Any], Any]]


@pytest.fixture
def seen(redis_server: ValkeyServer) -> Seen:
    an_organization()
    found: Seen = []

    @handles("opportunity")
    def look(event: Event, record: SalesforceRecord) -> None:
        found.append((event.change, dict(event.fields), record.get("External_Id__c", "unknown")))

    return found


def deliver(*messages: dict[str, Any]) -> None:
    queue = FakeQueue()
    for message in messages:
        queue.send(message)
        poll_once(queue, wait_seconds=0)
        work(OPPORTUNITIES)


def relayed(kind: str, fields: dict[str, Any], second: int, **also: Any) -> dict[str, Any]:
    at = COMMITTED_MS + second * 1_000
    return relay_message(
        "Opportunity", RECORD, kind, fields, organization=organization_id(1), at_ms=at, **also
    )


def update(fields: dict[str, Any], second: int, *changed: str) -> dict[str, Any]:
    return relayed("UPDATE", fields, second, changed_fields=list(changed))


def test_of_an_update_on_event_and_record(seen: Seen) -> None:
    deliver(update({"StageName": "Won", "External_Id__c": "E-1", "Name": None}, 1, "StageName"))
    assert seen == [("updated", {"StageName": "Won", "External_Id__c": "E-1"}, "E-1")]
    assert SalesforceRecord.objects.get().fields == {"StageName": "Won", "External_Id__c": "E-1"}


def test_of_a_delete_on_the_event(seen: Seen) -> None:
    deliver(relayed("CREATE", {"Name": "A"}, 1), relayed("DELETE", {"External_Id__c": "E-1"}, 2))
    assert seen[1] == ("deleted", {"External_Id__c": "E-1"}, "unknown")
    record = SalesforceRecord.objects.get()
    assert (record.is_deleted, record.fields) == (True, {})


def test_of_a_deleted_message_of_the_contract(seen: Seen) -> None:
    message = contract_message(
        "opportunity", RECORD, {"External_Id__c": "E-1"}, "deleted", organization=organization_id(1)
    )
    deliver(message)
    assert seen == [("deleted", {"External_Id__c": "E-1"}, "unknown")]


def test_a_late_one_does_not_overwrite_a_newer_change(seen: Seen) -> None:
    deliver(
        update({"External_Id__c": "new"}, 2, "External_Id__c"),
        update({"StageName": "Won", "External_Id__c": "old"}, 1, "StageName"),
    )
    assert seen[1] == ("updated", {"StageName": "Won", "External_Id__c": "old"}, "new")


def test_the_second_of_two_channels_is_a_duplicate(seen: Seen) -> None:
    deliver(
        update({"StageName": "Won", "External_Id__c": "E-1"}, 1, "StageName"),
        update({"StageName": "Won"}, 1, "StageName"),
    )
    assert len(seen) == 1
