"""Messages made up from a seed are right, and the same every time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from passport_events.conf import EventType, Settings
from passport_events.contract.check import check_file
from passport_events.contract.simulated_delivery import SimulatedRoute
from passport_events.testing import generated_messages, organization_id
from tests.contract.checking import AT

HOME = organization_id(1)
CUSTOM = EventType("course", ("Course__c",), "courses")
TYPES = [*Settings().event_types.values(), CUSTOM]


def generated(event_type: EventType, count: int, seed: int = 1, **options: Any) -> list[dict[str, Any]]:
    return list(generated_messages(event_type, count, organization=HOME, seed=seed, **options))


@pytest.mark.parametrize("event_type", TYPES, ids=lambda one: one.name)
def test_each_is_a_right_message_of_its_type(event_type: EventType) -> None:
    lines = "\n".join(map(json.dumps, generated(event_type, 50))).encode()
    found = list(
        check_file(lines, Settings(event_types={event_type.name: event_type}), SimulatedRoute(at=AT))
    )
    assert len(found) == 50
    assert all(checked.is_well for checked in found)
    (events,) = zip(*(checked.events for checked in found), strict=True)
    assert {(event.event_type, event.entity, event.organization) for event in events} == {
        (event_type.name, event_type.entities[0], HOME)
    }
    assert len({event.identity.key for event in events}) == len({event.record_id for event in events}) == 50
    assert len({event.change for event in events}) == 3


def test_a_seed_makes_the_same_bytes_and_another_seed_others() -> None:
    assert generated(CUSTOM, 20) == generated(CUSTOM, 20)
    ids = [{message["id"] for message in generated(CUSTOM, 20, seed)} for seed in (1, 2)]
    assert ids[0].isdisjoint(ids[1])


def test_more_of_a_seed_begin_with_the_fewer() -> None:
    assert generated(CUSTOM, 5) == generated(CUSTOM, 20)[:5]


def test_each_is_newer_than_the_one_before() -> None:
    headers = [each["detail"]["payload"]["ChangeEventHeader"] for each in generated(CUSTOM, 20, at_ms=5)]
    assert [header["commitTimestamp"] for header in headers] == list(range(5, 25))
