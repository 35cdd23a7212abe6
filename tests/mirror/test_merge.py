"""Every rule of the merge, on the smallest history that shows it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings as of_hypothesis
from pytest_django import Settings

from passport_events.event import Change, VersionKind
from passport_events.exceptions import FieldUnknown
from passport_events.mirror import merge as merging
from passport_events.mirror.merge import Merged, Write
from passport_events.mirror.state import GONE, UNKNOWN, RecordState
from tests.mirror.histories import (
    NAMES,
    Arrival,
    Step,
    arrivals,
    deliver,
    record_of,
    seen,
    stored,
    strict_histories,
    tied_histories,
    without_message_numbers,
)

WHOLE = [Change.CREATED, Change.UNDELETED, Change.SNAPSHOT]
NOBODY = dict.fromkeys(NAMES)
HAS_ADDRESS = {name: value for name, value in NOBODY.items() if name != "Addr"}
"""A compound with parts has no value of its own."""


def created(at: int, *missing: str, twin: int = 0, **fields: Any) -> Step:
    return Step(Change.CREATED, at, fields, missing, twin=twin)


def updated(
    at: int, *missing: str, sequence: int = 0, twin: int = 0, sequenced: bool = False, **fields: Any
) -> Step:
    kind = VersionKind.SEQUENCE if sequenced else VersionKind.COMMIT
    return Step(Change.UPDATED, at, fields, missing, kind, sequence, twin)


def deleted(at: int, twin: int = 0) -> Step:
    return Step(Change.DELETED, at, twin=twin)


def undeleted(at: int, **fields: Any) -> Step:
    return Step(Change.UNDELETED, at, fields)


def gap(at: int, change: Change = Change.UPDATED) -> Step:
    return Step(change, at, is_gap=True)


def re_read(at: int, **fields: Any) -> Step:
    return Step(Change.SNAPSHOT, at, fields, kind=VersionKind.OBSERVED)


def re_read_found_nothing(at: int) -> Step:
    return Step(Change.DELETED, at, kind=VersionKind.OBSERVED)


def given(*arrived: Step) -> RecordState:
    return deliver(arrived)


def when(state: RecordState, step: Step, message: int = 99) -> Merged:
    return merging.merge(state, step.write(message))


def in_every_order(*steps: Step, before: Step | None = None) -> RecordState:
    states = [given(*([before] if before else []), *order) for order in itertools.permutations(steps)]
    first, *others = map(without_message_numbers, states)
    assert all(other == first for other in others)
    return states[0]


# Whole records.


@pytest.mark.parametrize("change", WHOLE)
def test_a_whole_record_replaces_every_older_field(change: Change) -> None:
    before = given(created(1, Name="old", City="old"), updated(2, Stage="old"))

    after = when(before, Step(change, 3, {"Name": "new"})).state

    assert seen(after).fields == NOBODY | {"Name": "new"}


@pytest.mark.parametrize("change", WHOLE)
def test_a_whole_record_that_is_late_leaves_newer_fields(change: Change) -> None:
    before = given(updated(5, Name="newer"))

    after = when(before, Step(change, 3, {"Name": "older", "City": "Bonn"})).state

    assert seen(after).fields == NOBODY | {"Name": "newer", "City": "Bonn"}


@pytest.mark.parametrize("change", WHOLE)
def test_a_late_update_does_not_pass_a_whole_record(change: Change) -> None:
    before = given(Step(change, 3, {"Name": "new"}))

    merged = when(before, updated(2, Name="old", City="old"))

    assert seen(merged.state).fields == NOBODY | {"Name": "new"}
    assert merged.lost == ("City", "Name")


@pytest.mark.parametrize("change", WHOLE)
def test_a_whole_record_makes_the_record_complete(change: Change) -> None:
    before = given(updated(1, Name="a"))
    assert (before.is_complete, before.needs_refetch) == (False, True)

    after = when(before, Step(change, 2)).state

    assert (after.is_complete, after.needs_refetch) == (True, False)


def test_a_whole_record_that_is_late_makes_the_record_complete_too() -> None:
    before = given(updated(5, Name="newer"))

    after = when(before, created(1)).state

    assert (after.is_complete, after.needs_refetch) == (True, False)


# Deletions.


def test_a_delete_ends_the_record_and_its_fields() -> None:
    before = given(created(1, Name="a"), updated(2, City="Bonn"))

    after = when(before, deleted(3)).state

    assert (after.is_deleted, after.is_complete, after.fields) == (True, False, {})
    assert not after.needs_refetch


@pytest.mark.parametrize("late", [updated(2, Name="a"), created(2, Name="a"), undeleted(2, Name="a")])
def test_what_is_older_than_a_delete_never_revives_the_record(late: Step) -> None:
    before = given(deleted(3))

    merged = when(before, late)

    assert (merged.state.is_deleted, merged.state.fields) == (True, {})
    assert (merged.wrote, merged.lost, merged.is_stale) == ((), ("Name",), True)


def test_an_update_newer_than_a_delete_is_kept_and_does_not_revive() -> None:
    before = given(deleted(3))

    after = when(before, updated(5, Name="a")).state

    assert (after.is_deleted, after.fields) == (True, {"Name": "a"})


@pytest.mark.parametrize(
    "update", [updated(5, Name="a"), updated(5, "Name"), updated(5, Name=None), updated(5)]
)
@pytest.mark.parametrize("delete", [deleted(3), gap(3, Change.DELETED), re_read_found_nothing(3)])
def test_an_update_newer_than_a_delete_misses_the_undelete(delete: Step, update: Step) -> None:
    state = in_every_order(created(1), delete, update)

    assert (state.is_deleted, state.misses_undelete, state.needs_refetch) == (True, True, True)


def test_an_update_older_than_a_delete_misses_no_undelete() -> None:
    state = in_every_order(created(1), updated(2, Name="a"), deleted(3))

    assert (state.is_deleted, state.misses_undelete, state.needs_refetch) == (True, False, False)


@pytest.mark.parametrize("newer", [undeleted(4), re_read(6), re_read_found_nothing(6), deleted(6)])
def test_a_newer_whole_record_or_delete_tells_of_the_undelete(newer: Step) -> None:
    state = in_every_order(deleted(3), updated(5, Name="a"), newer)

    assert (state.misses_undelete, state.needs_refetch) == (False, False)


def test_an_update_of_a_field_that_is_not_kept_misses_the_undelete_too() -> None:
    state = given(deleted(1))

    after = merging.merge(state, Write.of_event(updated(2, City="Bonn").event, 2, frozenset({"Name"}))).state

    assert (after.fields, after.misses_undelete, after.needs_refetch) == ({}, True, True)


def test_an_undelete_newer_than_the_delete_revives() -> None:
    before = given(created(1, Name="a", City="Bonn"), deleted(3), updated(5, Name="b"))

    after = when(before, undeleted(4, City="Köln")).state

    assert (after.is_deleted, after.is_complete) == (False, True)
    assert seen(after).fields == NOBODY | {"Name": "b", "City": "Köln"}


def test_a_delete_older_than_the_undelete_does_not_end_the_record() -> None:
    before = given(undeleted(4, Name="a"))

    after = when(before, deleted(3)).state

    assert (after.is_deleted, after.fields) == (False, {"Name": "a"})


# Updates.


def test_an_update_writes_only_the_fields_it_names() -> None:
    before = given(created(1, Name="a", City="Bonn"))

    merged = when(before, updated(2, Name="b"))

    assert seen(merged.state).fields == NOBODY | {"Name": "b", "City": "Bonn"}
    assert (merged.wrote, merged.lost) == (("Name",), ())


def test_a_null_that_is_named_is_a_value() -> None:
    before = given(updated(1, Name="a"))

    after = when(before, updated(2, Name=None)).state

    assert after.fields == {"Name": None}


def test_a_late_update_loses_the_fields_that_are_newer_and_wins_the_others() -> None:
    before = given(created(1, Name="a", City="Bonn", Stage="won"), updated(5, Name="b"))

    merged = when(before, updated(3, Name="late", City="Köln"))

    assert seen(merged.state).fields == NOBODY | {"Name": "b", "City": "Köln", "Stage": "won"}
    assert (merged.wrote, merged.lost, merged.is_stale) == (("City",), ("Name",), True)


def test_the_sequence_orders_updates_of_one_transaction() -> None:
    state = in_every_order(updated(1, sequence=9, Name="first"), updated(1, sequence=10, Name="second"))

    assert (state.fields, state.contested) == ({"Name": "second"}, [])


# Fields that are named without a value.


def test_a_field_named_without_a_value_is_unknown() -> None:
    before = given(created(1, Name="a", City="Bonn"))

    merged = when(before, updated(2, "Name"))

    assert (merged.state.fields, merged.state.unknown) == ({"City": "Bonn"}, ["Name"])
    assert (merged.state.is_complete, merged.state.needs_refetch) == (True, True)
    assert merged.wrote == ("Name",)
    with pytest.raises(FieldUnknown):
        record_of(merged.state)["Name"]


def test_a_field_that_a_whole_record_names_without_a_value_is_unknown() -> None:
    before = given(updated(1, Name="a"))

    after = when(before, created(2, "Name")).state

    assert (after.fields, after.unknown) == ({}, ["Name"])


def test_a_late_event_without_a_value_leaves_the_newer_one() -> None:
    before = given(created(1), updated(3, Name="newer"))

    after = when(before, updated(2, "Name")).state

    assert (after.fields, after.unknown, after.needs_refetch) == ({"Name": "newer"}, [], False)


@pytest.mark.parametrize("newer", [updated(4, Name="b"), created(4, Name="b"), re_read(4, Name="b")])
def test_a_newer_value_makes_the_field_known_again(newer: Step) -> None:
    before = given(created(1, Name="a"), updated(3, "Name"))

    after = when(before, newer).state

    assert (after.fields, after.unknown, after.needs_refetch) == ({"Name": "b"}, [], False)


def test_an_older_value_leaves_the_field_unknown() -> None:
    before = given(created(1), updated(3, "Name"))

    after = when(before, updated(2, Name="older")).state

    assert (after.fields, after.unknown) == ({}, ["Name"])


# Compounds.


def addressed(at: int, street: str | None = "Markt", **fields: Any) -> Step:
    return Step(Change.CREATED, at, {"Addr.City": "Bonn", "Addr.Street": street, **fields})


def emptied(at: int, twin: int = 0, **fields: Any) -> Step:
    return Step(Change.UPDATED, at, {"Addr": None, **fields}, twin=twin)


def moved(at: int, city: str | None, twin: int = 0) -> Step:
    return Step(Change.UPDATED, at, {"Addr.City": city}, twin=twin)


def test_a_leaf_is_a_field() -> None:
    state = in_every_order(addressed(1), moved(2, "Köln"))

    assert seen(state).fields == HAS_ADDRESS | {"Addr.City": "Köln", "Addr.Street": "Markt"}


def test_a_compound_that_is_emptied_empties_its_older_leaves() -> None:
    state = in_every_order(addressed(1, Name="a"), emptied(2))

    assert seen(state).fields == NOBODY | {"Name": "a"}
    assert not state.needs_refetch


def test_a_compound_without_a_value_makes_its_older_leaves_unknown() -> None:
    state = in_every_order(addressed(1, Name="a"), updated(2, "Addr"))

    assert (state.fields, state.unknown, state.needs_refetch) == ({"Name": "a"}, ["Addr"], True)
    record = record_of(state)
    for name in ("Addr", "Addr.City", "Addr.Street", "Addr.State"):
        assert name not in record
        with pytest.raises(FieldUnknown):
            record[name]


@pytest.mark.parametrize("of_all", [emptied(2), updated(2, "Addr")])
def test_a_late_leaf_loses_to_its_compound(of_all: Step) -> None:
    before = given(of_all)

    merged = when(before, moved(1, "Bonn"))

    assert (merged.wrote, merged.lost, merged.is_changed) == ((), ("Addr.City",), False)
    in_every_order(of_all, moved(1, "Bonn"))


@pytest.mark.parametrize("of_all", [emptied(2), updated(2, "Addr")])
def test_a_late_whole_record_loses_its_leaves_to_a_newer_compound(of_all: Step) -> None:
    before = given(of_all)

    merged = when(before, addressed(1, Name="a"))

    assert (merged.wrote, merged.lost) == (("Name",), ("Addr.City", "Addr.Street"))
    in_every_order(of_all, addressed(1, Name="a"))


def test_a_newer_leaf_wins_over_its_emptied_compound() -> None:
    state = in_every_order(addressed(1), emptied(2), moved(3, "Köln"))

    assert seen(state).fields == HAS_ADDRESS | {"Addr.City": "Köln"}
    assert not state.needs_refetch


def test_a_newer_leaf_is_known_where_its_compound_is_not() -> None:
    state = in_every_order(addressed(1), updated(2, "Addr"), moved(3, "Köln"))

    record = record_of(state)
    assert record["Addr.City"] == "Köln"
    assert "Addr.Street" not in record
    assert state.needs_refetch


@pytest.mark.parametrize("newer", [addressed(3), emptied(3), deleted(3), re_read(3)])
def test_what_is_newer_makes_a_compound_known_again(newer: Step) -> None:
    state = in_every_order(addressed(1), updated(2, "Addr"), newer)

    assert (state.unknown, state.needs_refetch) == ([], False)


def test_a_compound_does_not_speak_for_a_field_whose_name_begins_alike() -> None:
    state = in_every_order(created(1, Address="x", Addr2="y"), emptied(2))

    assert state.fields == {"Addr": None, "Addr2": "y", "Address": "x"}


@pytest.mark.parametrize("of_all", [emptied(2), updated(2, "Addr")])
def test_a_leaf_that_says_what_its_compound_says_is_dropped(of_all: Step) -> None:
    state = in_every_order(moved(1, "Bonn"), of_all)

    assert set(state.cells) == {"Addr"}
    leaf, compound = state.cell("Addr.City"), state.cells["Addr"]
    assert leaf is not None
    assert (leaf.value, leaf.stamp) == (compound.value, compound.stamp)


def test_a_leaf_is_implied_by_what_is_newer_of_its_compound_and_the_floor() -> None:
    for state, value in (
        (given(created(1), updated(2, "Addr")), UNKNOWN),
        (given(updated(2, "Addr"), created(3)), None),
        (given(updated(2, "Addr"), deleted(3)), GONE),
        (given(created(3, "Addr")), UNKNOWN),
    ):
        leaf = state.cell("Addr.City")
        assert leaf is not None
        assert leaf.value is value


def test_a_contested_leaf_stays_beside_its_compound() -> None:
    state = in_every_order(moved(2, "Bonn", twin=1), emptied(2, twin=2), before=created(1))

    assert (state.contested, state.needs_refetch) == (["Addr.City"], True)
    assert not when(state, emptied(3)).state.needs_refetch


def test_a_contested_compound_tells_for_its_leaves() -> None:
    # A leaf that was not known when the compound tied could not say so itself.
    state = in_every_order(updated(1, "Addr", twin=0), moved(1, None, twin=1), emptied(1, twin=2))

    assert (state.contested, state.needs_refetch) == (["Addr"], True)


def test_a_delete_tied_with_a_compound_and_its_leaf_leaves_no_trace_of_the_order() -> None:
    state = in_every_order(emptied(1, twin=0), deleted(1, twin=1), moved(1, "Bonn", twin=2))

    assert (state.fields, state.needs_refetch) == ({"Addr.City": "Bonn"}, True)


def test_an_event_may_except_a_leaf_from_what_it_says_of_its_compound() -> None:
    state = in_every_order(addressed(1), Step(Change.UPDATED, 2, {"Addr.City": None}, ("Addr",)))

    record = record_of(state)
    assert (record["Addr.City"], "Addr.Street" in record) == (None, False)


def test_the_nearest_compound_speaks_for_a_leaf() -> None:
    latitude = Step(Change.UPDATED, 1, {"Addr.Geo.Lat": 50.7})
    of_all = Step(Change.UPDATED, 2, {"Addr.Geo": None}, ("Addr",))

    state = in_every_order(latitude, of_all)

    leaf = state.cell("Addr.Geo.Lat")
    assert leaf is not None
    assert (leaf.value, set(state.cells)) == (None, {"Addr", "Addr.Geo"})


# Gaps.


@pytest.mark.parametrize("change", [change for change in Change if change is not Change.DELETED])
def test_a_gap_changes_no_field_and_leaves_the_record_incomplete(change: Change) -> None:
    before = given(created(1, Name="a"))

    merged = when(before, gap(2, change))

    assert merged.state.fields == before.fields
    assert (merged.state.is_complete, merged.state.needs_refetch) == (False, True)
    assert (merged.wrote, merged.lost, merged.is_changed) == ((), (), True)


def test_a_field_that_is_empty_but_for_a_gap_raises() -> None:
    record = record_of(given(created(1, Name="a"), gap(2)))

    assert record["Name"] == "a"
    with pytest.raises(FieldUnknown):
        record["City"]


def test_a_gap_that_creates_does_not_make_the_record_complete() -> None:
    after = given(gap(1, Change.CREATED))

    assert (after.is_complete, after.needs_refetch) == (False, True)


def test_a_gap_that_deletes_ends_the_record_and_asks_for_nothing() -> None:
    before = given(created(1, Name="a"))

    after = when(before, gap(2, Change.DELETED)).state

    assert (after.is_deleted, after.fields) == (True, {})
    assert (after.is_dirty, after.needs_refetch) == (False, False)


def test_a_gap_that_deletes_settles_an_older_gap() -> None:
    state = in_every_order(created(1, Name="a"), gap(2), gap(3, Change.DELETED))

    assert (state.is_deleted, state.is_dirty, state.needs_refetch) == (True, False, False)


def test_a_gap_after_a_delete_asks_for_a_re_read() -> None:
    state = in_every_order(deleted(1), gap(2))

    assert (state.is_deleted, state.is_dirty, state.needs_refetch) == (True, True, True)


FLOORS = [
    *(functools.partial(Step, change) for change in WHOLE),
    functools.partial(Step, Change.DELETED),
    functools.partial(Step, Change.SNAPSHOT, kind=VersionKind.OBSERVED),
    functools.partial(Step, Change.DELETED, kind=VersionKind.OBSERVED),
]


@pytest.mark.parametrize("floor", FLOORS)
def test_a_newer_whole_record_or_delete_settles_a_gap(floor: Callable[[int], Step]) -> None:
    state = in_every_order(gap(3), floor(4), before=created(1, Name="a"))

    assert (state.is_dirty, state.needs_refetch) == (False, False)
    assert state.is_complete != state.is_deleted


@pytest.mark.parametrize("floor", FLOORS)
def test_an_older_whole_record_or_delete_settles_no_gap(floor: Callable[[int], Step]) -> None:
    state = in_every_order(gap(3), floor(2), before=created(1, Name="a"))

    assert (state.is_dirty, state.is_complete, state.needs_refetch) == (True, False, True)


def test_a_newer_update_settles_no_gap() -> None:
    state = in_every_order(created(1, Name="a"), gap(3), updated(4, Name="b"))

    assert (state.fields, state.is_dirty, state.needs_refetch) == ({"Name": "b"}, True, True)


def test_the_newest_of_several_gaps_has_to_be_settled() -> None:
    state = in_every_order(gap(2), gap(4), created(3, Name="a"))

    assert state.is_dirty
    assert not when(state, created(5)).state.is_dirty


@pytest.mark.parametrize("twin", [0, 2])
def test_a_gap_tied_with_a_whole_record_asks_for_a_re_read(twin: int) -> None:
    state = in_every_order(created(1, twin=1), Step(Change.UPDATED, 1, twin=twin, is_gap=True))

    assert (state.is_dirty, state.needs_refetch) == (True, True)


# Re-reads.


def test_a_re_read_overrides_what_was_committed_before_it() -> None:
    before = given(created(1, Name="a"), updated(3, City="Bonn"))

    after = when(before, re_read(4, Name="b")).state

    assert seen(after).fields == NOBODY | {"Name": "b"}


def test_a_re_read_leaves_what_was_committed_after_it() -> None:
    before = given(updated(5, Name="later"))

    after = when(before, re_read(4, Name="b", City="Bonn")).state

    assert seen(after).fields == NOBODY | {"Name": "later", "City": "Bonn"}


def test_an_event_that_comes_after_the_re_read_that_saw_it_changes_nothing() -> None:
    before = given(re_read(4, Name="b"))

    merged = when(before, updated(3, Name="a", City="Bonn"))

    assert seen(merged.state).fields == NOBODY | {"Name": "b"}
    assert merged.is_stale


def test_a_re_read_that_finds_nothing_is_a_delete() -> None:
    before = given(created(1, Name="a"), gap(2))

    after = when(before, re_read_found_nothing(3)).state

    assert (after.is_deleted, after.fields, after.needs_refetch) == (True, {}, False)


def test_a_re_read_that_finds_the_record_revives_it() -> None:
    before = given(deleted(3))

    after = when(before, re_read(4, Name="a")).state

    assert (after.is_deleted, after.fields, after.needs_refetch) == (False, {"Name": "a"}, False)


def test_two_re_reads_of_one_instant_that_saw_the_same_are_one() -> None:
    before = given(re_read(4, Name="a"))

    merged = when(before, re_read(4, Name="a"))

    assert (merged.is_changed, merged.state.needs_refetch) == (False, False)


@pytest.mark.parametrize("other", [re_read(4, Name="b"), re_read(4), re_read_found_nothing(4)])
def test_two_re_reads_of_one_instant_that_saw_different_records_ask_for_another(other: Step) -> None:
    one = re_read(4, Name="a")

    state = given(one, other)

    assert state == given(other, one)
    assert state.needs_refetch
    assert not when(state, re_read(5, Name="c")).state.needs_refetch


# Ties.


def test_tied_values_are_chosen_by_the_dedup_key_and_contested() -> None:
    state = in_every_order(updated(2, Name="a", twin=1), updated(2, Name="b", twin=2), before=created(1))

    assert state.fields == {"Name": "b"}
    assert (state.contested, state.needs_refetch) == (["Name"], True)


def test_tied_events_that_agree_are_not_contested() -> None:
    state = in_every_order(
        updated(2, Name="a", City="Bonn", twin=1), updated(2, Name="a", twin=2), before=created(1)
    )

    assert (state.contested, state.needs_refetch) == ([], False)


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (1, "1"), (None, ""), ([1], [True]), ({"a": 1}, {"a": True})]
)
def test_tied_values_that_differ_as_json_are_contested(one: Any, other: Any) -> None:
    state = in_every_order(updated(2, Name=one, twin=1), updated(2, Name=other, twin=2), before=created(1))

    assert (state.contested, state.needs_refetch) == (["Name"], True)


def test_tied_objects_agree_in_any_order_of_their_keys() -> None:
    one, other = {"a": 1, "b": [{"c": 2, "d": 3}]}, {"b": [{"d": 3, "c": 2}], "a": 1}

    state = in_every_order(updated(2, Name=one, twin=1), updated(2, Name=other, twin=2), before=created(1))

    assert (state.contested, state.needs_refetch) == ([], False)


def test_a_value_tied_with_no_value_is_contested() -> None:
    state = in_every_order(updated(2, Name="a", twin=1), updated(2, "Name", twin=2), before=created(1))

    assert (state.unknown, state.contested) == (["Name"], ["Name"])


@pytest.mark.parametrize(
    "newer", [updated(3, Name="c"), created(3, Name="c"), re_read(3, Name="c"), deleted(3)]
)
def test_a_newer_event_settles_a_tie(newer: Step) -> None:
    before = given(created(1), updated(2, Name="a", twin=1), updated(2, Name="b", twin=2))

    after = when(before, newer).state

    assert (after.contested, after.needs_refetch) == ([], False)


def test_a_newer_event_of_another_field_settles_no_tie() -> None:
    before = given(created(1), updated(2, Name="a", twin=1), updated(2, Name="b", twin=2))

    after = when(before, updated(3, City="Bonn")).state

    assert (after.contested, after.needs_refetch) == (["Name"], True)


def test_tied_whole_records_are_contested_where_they_differ() -> None:
    state = in_every_order(created(1, Name="a", City="Bonn", twin=1), created(1, Name="a", twin=2))

    assert seen(state).fields == NOBODY | {"Name": "a"}
    assert (state.contested, state.needs_refetch) == (["City"], True)


def test_tied_whole_records_that_agree_are_not_contested() -> None:
    state = in_every_order(created(1, Name="a", twin=1), created(1, Name="a", City=None, twin=2))

    assert (state.contested, state.needs_refetch) == ([], False)


@pytest.mark.parametrize("twin", [0, 2])
@pytest.mark.parametrize("fields", [{}, {"Name": "a"}, {"Name": None}])
def test_a_delete_tied_with_a_whole_record_asks_for_a_re_read(twin: int, fields: dict[str, Any]) -> None:
    state = in_every_order(created(1, twin=1, **fields), deleted(1, twin=twin))

    assert state.is_deleted == (twin == 2)
    assert (state.floor_contested, state.needs_refetch) == (True, True)


@pytest.mark.parametrize("newer", [created(2), deleted(2), re_read(2), re_read_found_nothing(2)])
def test_a_newer_event_settles_whether_the_record_is_deleted(newer: Step) -> None:
    before = given(created(1, twin=1), deleted(1, twin=2))

    after = when(before, newer).state

    assert (after.floor_contested, after.needs_refetch) == (False, False)


def test_tied_deletes_agree() -> None:
    state = in_every_order(deleted(1, twin=1), deleted(1, twin=2))

    assert (state.is_deleted, state.needs_refetch) == (True, False)


def test_a_tied_delete_between_whole_records_leaves_no_trace_of_the_order() -> None:
    state = in_every_order(updated(1, Name="a", twin=0), deleted(1, twin=1), created(1, twin=2))

    assert (state.is_deleted, state.needs_refetch) == (False, True)


# Kinds of versions.


def test_two_kinds_of_versions_on_one_record_ask_for_a_re_read() -> None:
    before = given(created(1, Name="a"))

    after = when(before, updated(2, sequenced=True, Name="b")).state

    assert after.needs_refetch


def test_a_re_read_after_one_of_two_kinds_leaves_one_kind() -> None:
    before = given(created(1, Name="a"), updated(3, sequenced=True, Name="b"))

    after = when(before, re_read(2, Name="c")).state

    assert (after.fields, after.needs_refetch) == ({"Name": "b"}, False)


def test_a_re_read_before_both_kinds_settles_nothing() -> None:
    before = given(created(2, Name="a"), updated(3, sequenced=True, Name="b"))

    after = when(before, re_read(1, Name="c")).state

    assert after.needs_refetch


def test_another_kind_from_before_the_re_read_asks_for_none() -> None:
    before = given(re_read(4, Name="c"), updated(5, Name="d"))

    after = when(before, updated(3, sequenced=True, Name="b")).state

    assert not after.needs_refetch


# What a handler reads.


def test_an_empty_field_of_a_complete_record_is_none() -> None:
    record = record_of(given(created(1, Name="a")))

    assert record["City"] is None
    assert "City" in record


def test_a_field_that_an_incomplete_record_has_not_seen_raises() -> None:
    record = record_of(given(updated(1, Name="a")))

    assert (record["Name"], record.get("City"), record.get("City", "?")) == ("a", None, "?")
    assert "City" not in record
    with pytest.raises(FieldUnknown, match="City of 0065g00000AbCdEAAV is not known yet"):
        record["City"]


def test_a_field_of_a_deleted_record_raises() -> None:
    record = record_of(given(created(1, Name="a"), deleted(2)))

    with pytest.raises(FieldUnknown):
        record["Name"]


def test_a_record_that_nobody_merged_knows_nothing() -> None:
    assert "Name" not in record_of(RecordState())


def test_a_field_that_the_mirror_may_not_keep_raises(settings: Settings) -> None:
    settings.PASSPORT_EVENTS = settings.PASSPORT_EVENTS | {"MIRROR_FIELDS": {"Opportunity": ["Name"]}}

    record = record_of(given(created(1)))

    assert record["Name"] is None
    with pytest.raises(FieldUnknown):
        record["City"]


def test_only_fields_that_the_mirror_may_keep_are_merged() -> None:
    event = updated(1, "Stage", "Amount", Name="a", City="Bonn").event

    write = Write.of_event(event, 1, frozenset({"Name", "Amount"}))

    assert merging.merge(RecordState(), write).state == given(updated(1, "Amount", Name="a"))


def test_only_fields_that_the_mirror_may_keep_are_merged_from_a_re_read() -> None:
    fields = {"Name": "a", "City": "Bonn", "Addr.City": "Bonn"}

    write = Write.of_reading(1, fields, frozenset({"Name", "Addr"}))

    assert write == Write.of_reading(1, {"Name": "a", "Addr.City": "Bonn"})


def test_two_re_reads_of_one_instant_that_differ_in_fields_that_are_not_kept_are_one() -> None:
    keep = frozenset({"Name"})

    one, other = (Write.of_reading(1, {"Name": "a", "City": city}, keep) for city in ("Bonn", "Köln"))

    assert one == other


@pytest.mark.parametrize("keep", [frozenset({"Name"}), None])
def test_a_re_read_that_finds_nothing_is_a_delete_whatever_is_kept(keep: frozenset[str] | None) -> None:
    assert merging.merge(RecordState(), Write.of_reading(1, None, keep)).state.is_deleted


def test_a_compound_that_the_mirror_may_keep_keeps_its_leaves() -> None:
    event = Step(Change.UPDATED, 1, {"Addr.City": "Bonn", "Address": "x"}, ("Addr.Street", "Addr2")).event

    write = Write.of_event(event, 1, frozenset({"Addr"}))

    assert (write.fields, write.missing) == ({"Addr.City": "Bonn"}, {"Addr.Street"})


@pytest.mark.parametrize(
    ("of_all", "of_the_leaf"),
    [
        (emptied(2), moved(2, None)),
        (updated(2, "Addr"), updated(2, "Addr.City")),
        (Step(Change.UPDATED, 2, {"Addr": None}, ("Addr.City",)), updated(2, "Addr.City")),
        (Step(Change.UPDATED, 2, {"Addr.City": "Köln"}, ("Addr",)), moved(2, "Köln")),
    ],
)
def test_a_leaf_that_the_mirror_may_keep_hears_of_its_compound(of_all: Step, of_the_leaf: Step) -> None:
    keep = frozenset({"Addr.City"})

    assert Write.of_event(of_all.event, 1, keep) == Write.of_event(of_the_leaf.event, 1, keep)


def test_a_leaf_of_a_compound_that_the_mirror_may_keep_is_read(settings: Settings) -> None:
    settings.PASSPORT_EVENTS = settings.PASSPORT_EVENTS | {"MIRROR_FIELDS": {"Opportunity": ["Addr"]}}

    record = record_of(given(addressed(1, street=None)))

    assert (record["Addr.City"], record["Addr.Street"]) == ("Bonn", None)
    with pytest.raises(FieldUnknown):
        record["Address"]


# Where a value comes from.


def test_each_field_remembers_the_message_that_wrote_it() -> None:
    state = given(created(1, Name="a", City="Bonn"), updated(3, "Stage", City="Köln"), updated(2, City="x"))

    writers = {name: cell.stamp.message for name, cell in state.cells.items()}

    assert writers == {"Name": 1, "City": 2, "Stage": 2}


def test_a_field_that_was_emptied_remembers_the_message_that_emptied_it() -> None:
    state = given(updated(1, Name="a"), created(2))

    emptied = state.cell("Name")

    assert emptied is not None
    assert (emptied.value, emptied.stamp.message) == (None, 2)


def test_a_re_read_has_no_message() -> None:
    state = given(updated(1, Name="a"), re_read(2, Name="b"))

    assert {cell.stamp.message for cell in state.cells.values()} == {0}


def test_a_record_that_nobody_merged_knows_of_no_field() -> None:
    assert RecordState().cell("Name") is None


# What a merge tells about itself.


def test_the_first_event_of_a_record_is_not_stale_and_wrote_all_it_said() -> None:
    merged = when(RecordState(), updated(1, "Stage", Name="a"))

    assert (merged.wrote, merged.lost) == (("Name", "Stage"), ())
    assert (merged.is_stale, merged.is_changed) == (False, True)


def test_a_late_event_is_stale_even_if_all_its_fields_win() -> None:
    before = given(updated(3, Name="a"))

    merged = when(before, updated(2, City="Bonn"))

    assert (merged.wrote, merged.lost) == (("City",), ())
    assert (merged.is_stale, merged.is_changed) == (True, True)


def test_an_event_that_lost_everything_changes_nothing() -> None:
    before = given(created(3, Name="a"))

    merged = when(before, updated(2, Name="b"))

    assert (merged.is_stale, merged.is_changed, merged.state) == (True, False, before)


def test_a_newer_event_that_says_the_same_changes_the_record() -> None:
    before = given(created(1, Name="a"))

    merged = when(before, updated(2, Name="a"))

    assert (merged.wrote, merged.is_changed) == (("Name",), True)


@pytest.mark.parametrize(
    "step",
    [
        created(2, "City", Name="a"),
        updated(2, "City", Name="b"),
        deleted(2),
        emptied(2, Stage="won"),
        updated(2, "Addr"),
        gap(2),
        gap(2, Change.DELETED),
        re_read(2, Name="c"),
        re_read_found_nothing(2),
    ],
)
@pytest.mark.parametrize(
    "between", [[], [updated(3, Name="z")], [emptied(3)], [deleted(3)], [re_read(3, Name="z")]]
)
def test_a_duplicate_changes_nothing(step: Step, between: list[Step]) -> None:
    before = given(updated(1, Stage="won"), step, *between)

    merged = when(before, step)

    assert (merged.is_changed, merged.state) == (False, before)
    assert merged.is_stale == bool(between)


# Its form in the database.


@for_all(arrivals(strict_histories()) | arrivals(tied_histories(max_size=8)))
@of_hypothesis(max_examples=200, deadline=None)
def test_a_state_survives_the_database_after_any_merges(arrival: Arrival) -> None:
    writes = [step.write(message) for message, step in enumerate(arrival.steps, start=1)]

    state = functools.reduce(lambda state, write: merging.merge(state, write).state, writes, RecordState())

    assert stored(state) == state
    assert seen(stored(state)) == seen(state)


def test_a_record_that_nobody_merged_has_an_empty_state() -> None:
    assert RecordState.from_json({}, {}) == RecordState()
