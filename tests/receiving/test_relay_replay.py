"""Three days of everything again: no message, no effect and no collision more.

The Event Relay's EARLIEST sends 72 hours once more. EventBridge, SNS and SQS give the copies new ids,
and whoever repairs an outage may let them take another way.
"""

from __future__ import annotations

import uuid
from collections import Counter
from random import Random
from typing import Any

import pytest
from django.contrib.auth.models import Group

from passport_events import Event, Reject, conf, handles
from passport_events.exceptions import Discard
from passport_events.handling import registry
from passport_events.handling.worker import work
from passport_events.instrumentation import Notification
from passport_events.models import (
    Delivery,
    Mode,
    ProcessedMessage,
    SalesforceOrganization,
    SalesforceRecord,
    Status,
)
from passport_events.models.status import LIVE as NOT_TERMINAL
from passport_events.receiving import inbox
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue
from project.embedded import ValkeyServer
from tests.harness.notifications import Notifications
from tests.receiving import history
from tests.receiving.envelopes import Said, parcel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _organizations(redis_server: ValkeyServer, settings: Any) -> None:
    described = {"event_type": "opportunity", "record_id": "Record_Id__c", "sequence": "CreatedDate"}
    settings.PASSPORT_EVENTS = {
        **settings.PASSPORT_EVENTS,
        "PLATFORM_EVENTS": {history.OFFER: described},
        "OWN_CHANGE_ORIGINS": [history.OWN_CLIENT],
    }
    for name in ("LIVE", "ALSO_LIVE", "OFF"):
        SalesforceOrganization.objects.create(
            salesforce_id=getattr(history, name), name=name, mode=Mode.OFF if name == "OFF" else Mode.LIVE
        )


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in the ledger for every effect; a second one of an event would stand there too."""
    monkeypatch.setattr(registry, "_handlers", {})

    @handles("opportunity")
    def of_opportunity(event: Event, record: SalesforceRecord) -> None:
        enter(event)

    @handles("item", latest_only=True)
    def of_item(event: Event, record: SalesforceRecord) -> None:
        enter(event)

    @handles("attachment")
    def of_attachment(event: Event, record: SalesforceRecord) -> None:
        enter(event)
        if event.record_id.endswith("2") or event.change == "deleted":
            raise Reject("a dead letter must stay one")
        if event.is_gap:
            raise Discard("nothing to do")


def enter(event: Event) -> None:
    Group.objects.create(name=f"{event.idempotency_key} {uuid.uuid4()}")


def ledger() -> Counter[str]:
    """How often each event had its effect, by dedup key."""
    return Counter(name.partition(":")[0] for name in Group.objects.values_list("name", flat=True))


def deliver(said: list[Said], chance: Random) -> tuple[int, int]:
    """Hand over copies in batches of any size, by hand or through a queue; returns new and duplicates."""
    new = duplicates = 0
    rest = list(said)
    while rest:
        size = chance.randint(1, 10)
        batch, rest = rest[:size], rest[size:]
        parcels = [parcel(one, chance) for one in batch]
        if chance.random() < 0.7:
            received = [one.received(chance) for one in parcels]
            stored = inbox.store(received)
            assert len(stored.safe) == len(batch)
            new, duplicates = new + stored.new, duplicates + stored.duplicates
        else:
            queue = FakeQueue()
            for one in parcels:
                queue.send(one.body, attributes=one.attributes)
            polled = poll_once(queue)
            assert (polled.received, polled.left, queue.bodies) == (len(batch), 0, [])
            new, duplicates = new + polled.new, duplicates + polled.duplicates
    return new, duplicates


def handle() -> int:
    """Let workers do all that is due; returns how many messages had their turn."""
    done = 0
    while turn := sum(work(queue) for queue in conf.get_settings().queues()):
        done += turn
    return done


def everything() -> list[Any]:
    """Every row that a replay could add or change."""
    models = (ProcessedMessage, SalesforceRecord, Delivery, SalesforceOrganization)
    return [ledger(), *(list(model._default_manager.order_by("pk").values()) for model in models)]


def check_that_every_kind_of_event_and_every_end_is_there() -> None:
    """Else a replay that changes nothing would show less than it says."""
    wanted: dict[str, set[Any]] = {
        "change": {"created", "updated", "deleted", "undeleted", "snapshot"},
        "identity": {"cdc", "uuid", "body", "cloudevents"},
        "content__is_gap": {True, False},
        "status": {"succeeded", "superseded", "ignored", "dead", "quarantined"},
        "reason": {"", "newer_data", "own_change", "organization_off", "unknown_organization"},
    }
    for column, values in wanted.items():
        assert values <= set(ProcessedMessage.objects.values_list(column, flat=True)), column
    ways = Counter(Delivery.objects.values_list("wire_format", flat=True))
    assert (len(ways), min(ways.values()) > 3) == (12, True), ways


def test_a_replay_of_three_days_changes_nothing(notifications: Notifications) -> None:
    chance = Random(72)
    said = history.history(chance)
    chance.shuffle(said)
    messages = sum(map(history.messages_of, said))
    half = len(said) // 2
    assert deliver(said[:half], chance)[1] == 0
    handle()
    assert deliver(said[half:], chance)[1] == 0
    handle()
    before = everything()
    assert len(before[1]) == messages > 400
    assert not ProcessedMessage.objects.filter(status__in=NOT_TERMINAL).exists()
    check_that_every_kind_of_event_and_every_end_is_there()
    assert SalesforceOrganization.objects.exclude(heartbeat_sent_at=None).count() == 2
    notifications.clear()

    for _ in range(2):
        chance.shuffle(said)
        assert deliver(said, chance) == (0, messages)
        assert handle() == 0

    assert everything() == before
    assert notifications.facts_of(Notification.QUARANTINED) == []


def test_a_replay_that_overtakes_the_first_copies_has_every_effect_once() -> None:
    chance = Random(27)
    said = history.history(chance)
    copies = said * 3
    chance.shuffle(copies)
    found = []
    for start in range(0, len(copies), 200):
        found.append(deliver(copies[start : start + 200], chance))
        handle()

    messages = sum(map(history.messages_of, said))
    assert [sum(counts) for counts in zip(*found, strict=True)] == [messages, 2 * messages]
    assert not ProcessedMessage.objects.filter(reason="key_collision").exists()
    handled = ProcessedMessage.objects.filter(status=Status.SUCCEEDED).values_list("dedup_key", flat=True)
    assert ledger() == Counter(handled)
