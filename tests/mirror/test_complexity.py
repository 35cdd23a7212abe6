"""Case B1. A merge takes time in proportion to the fields of event and record, whatever the event is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from passport_events.event import Change, Version
from passport_events.mirror.apply import merge_all_into
from passport_events.mirror.merge import Write, merge
from passport_events.mirror.state import RecordState, Stamp
from passport_events.models import SalesforceRecord
from tests.harness.steps import CountedText, assert_linear, count_steps
from tests.mirror.histories import Step

pytestmark = pytest.mark.any_database

SIZE = 200
SHAPES = {"flat": "F{}", "one compound": "A.F{}", "many compounds": "A{}.F", "deep": "A.B.C.D.F{}"}


def names(count: int, shape: str, first: int = 0) -> list[CountedText]:
    return [CountedText(SHAPES[shape].format(number)) for number in range(first, first + count)]


def fields(count: int, shape: str) -> dict[str, Any]:
    return {name: name.lower() for name in names(count, shape)}


def write(change: Change, at: int, **said: Any) -> Write:
    return Write(stamp=Stamp(Version.of_commit(at, 0, 1), f"{at:016d}", at), change=change, **said)


def large_record(count: int, shape: str) -> RecordState:
    return merge(RecordState(), write(Change.CREATED, 1, fields=fields(count, shape))).state


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("change", Change)
@pytest.mark.parametrize("at", [2, 0], ids=["newer", "late"])
def test_twice_the_fields_take_twice_the_steps(change: Change, at: int, shape: str) -> None:
    def prepare(count: int) -> Callable[[], object]:
        before, new = large_record(count, shape), write(change, at, fields=fields(count, shape))
        return lambda: merge(before, new)

    assert_linear(prepare, SIZE)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("known", [True, False])
def test_so_do_twice_the_fields_without_a_value(shape: str, *, known: bool) -> None:
    def prepare(count: int) -> Callable[[], object]:
        before = large_record(count, shape) if known else RecordState()
        new = write(Change.UPDATED, 2, fields={}, missing=tuple(names(count, shape)))
        return lambda: merge(before, new)

    assert_linear(prepare, SIZE)


@pytest.mark.parametrize("shape", ["one compound", "many compounds", "deep"])
def test_so_do_twice_the_leaves_of_compounds_that_are_emptied(shape: str) -> None:
    def prepare(count: int) -> Callable[[], object]:
        compounds = {CountedText(name.split(".")[0]): None for name in names(count, shape)}
        before, new = large_record(count, shape), write(Change.UPDATED, 2, fields=compounds)
        return lambda: merge(before, new)

    assert_linear(prepare, SIZE)


def test_so_do_twice_the_fields_over_which_events_of_one_version_disagree() -> None:
    def prepare(count: int) -> Callable[[], object]:
        before = large_record(count, "flat")
        new = Write(
            stamp=Stamp(Version.of_commit(1, 0, 1), "another tie", 2),
            change=Change.UPDATED,
            fields=dict.fromkeys(names(count, "flat"), "other"),
        )
        return lambda: merge(before, new)

    assert_linear(prepare, SIZE)


@pytest.mark.parametrize("shape", SHAPES)
def test_so_does_a_state_on_its_way_to_the_database_and_back(shape: str) -> None:
    def prepare(count: int) -> Callable[[], object]:
        state = large_record(count, shape)
        state = merge(state, write(Change.UPDATED, 2, fields={}, missing=names(count // 2, shape))).state
        return lambda: (RecordState.from_json(state.to_json(), state.fields), state.needs_refetch)

    assert_linear(prepare, SIZE)


@pytest.mark.parametrize("shape", SHAPES)
def test_so_does_limiting_an_event_to_what_the_mirror_may_keep(shape: str) -> None:
    def prepare(count: int) -> Callable[[], object]:
        new = write(Change.CREATED, 1, fields=fields(count, shape), missing=names(count, "many compounds"))
        keep = frozenset(names(count, shape))
        return lambda: new.limited_to(keep)

    assert_linear(prepare, SIZE)


def test_an_update_of_one_field_hardly_depends_on_how_many_the_record_has() -> None:
    def steps(count: int) -> int:
        before, new = large_record(count, "flat"), write(Change.UPDATED, 2, fields={"F1": "new"})
        return count_steps(lambda: merge(before, new))

    # Finding the leaves of what it names looks at every name; nothing else does.
    assert (steps(2_000) - steps(1_000)) / 1_000 < 40


def test_a_batch_takes_a_large_record_apart_once() -> None:
    def steps(events: int) -> int:
        state = large_record(1_000, "flat")
        record = SalesforceRecord(fields=state.fields, merge_state=json.loads(json.dumps(state.to_json())))
        updates = [(Step(Change.UPDATED, at, {"F1": at}).event, at) for at in range(2, 2 + events)]
        return count_steps(lambda: merge_all_into(record, updates))

    assert steps(4) - steps(1) < steps(1)


def test_a_batch_ends_as_if_its_events_had_come_one_by_one() -> None:
    history = [
        Step(Change.UPDATED, 2, {"Name": "b"}),
        Step(Change.CREATED, 1, {"Name": "a", "City": "Bonn"}),
        Step(Change.UPDATED, 3, {"City": None}, ("Name",)),
    ]
    for order in itertools.permutations(history):
        events = [(step.event, number) for number, step in enumerate(order, 1)]
        together, singly = SalesforceRecord(), SalesforceRecord()

        merges = merge_all_into(together, events)

        for merged, event in zip(merges, events, strict=True):
            (alone,) = merge_all_into(singly, [event])
            assert (merged.wrote, merged.lost) == (alone.wrote, alone.lost)
            assert (merged.is_stale, merged.is_changed) == (alone.is_stale, alone.is_changed)
        assert (together.fields, together.merge_state) == (singly.fields, singly.merge_state)
