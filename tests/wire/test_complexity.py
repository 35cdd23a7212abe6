"""Case B1. Reading a delivery takes steps in proportion to what is in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from passport_events.models import ProcessedMessage
from passport_events.wire.cdc import parse_change_event
from tests.harness.steps import CountedText, assert_linear
from tests.wire.deliveries import ORGANIZATION, SETTINGS, change_event, contract, event, relayed, update

SIZE = 200


def names(count: int) -> list[str]:
    return [f"F{number}__c" for number in range(count)]


BODIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "many fields": lambda count: relayed(change_event(dict.fromkeys(names(count), 1.5))),
    "many changed": lambda count: relayed(update(dict.fromkeys(names(count), 1), names(count))),
    "many enriched": lambda count: relayed(update(dict.fromkeys(names(count), 1), [])),
    "many without a value": lambda count: relayed(update({}, names(count))),
    "many emptied": lambda count: relayed(update({}, names(count), nulledFields=names(count))),
    "many compounds": lambda count: relayed(
        update({name: {"City": "a", "Street": None} for name in names(count)}, names(count))
    ),
    "a nested object": lambda count: contract({"a": {"b": {"c": dict.fromkeys(names(count), 1)}}}),
    "a long list": lambda count: contract({"a": [{"b": number} for number in range(count)]}),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_twice_as_much_takes_twice_the_steps(body: Callable[[int], dict[str, Any]]) -> None:
    def prepare(count: int) -> Callable[[], object]:
        raw = json.dumps(body(count)).encode()
        return lambda: ProcessedMessage.from_event(event(raw)).to_event()

    assert_linear(prepare, SIZE)


def test_so_do_names_that_are_looked_up_inside_c() -> None:
    def prepare(count: int) -> Callable[[], object]:
        counted = [CountedText(name) for name in names(count)]
        payload = update(dict.fromkeys(counted, 1), counted[::2], diffFields=counted[::3])  # type: ignore[arg-type]
        return lambda: parse_change_event(payload, ORGANIZATION, SETTINGS, "")

    assert_linear(prepare, SIZE)


def test_so_do_many_records() -> None:
    def prepare(count: int) -> Callable[[], object]:
        ids = [f"006SM00000{number:05d}" for number in range(count)]
        payload = change_event({"Name": "A"}, recordIds=ids)
        return lambda: parse_change_event(payload, ORGANIZATION, SETTINGS, "")

    assert_linear(prepare, SIZE)
