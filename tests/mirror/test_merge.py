"""Every rule of the merge, on the smallest history that shows it."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings as of_hypothesis
from pytest_django import Settings

from passport_events.event import Change, VersionKind
from passport_events.exceptions import FieldUnknown
from passport_events.mirror import merge as merging
from passport_events.mirror.merge import Merged, Write
from passport_events.mirror.state import RecordState
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


# Gaps.


@pytest.mark.parametrize("change", [change for change in Change if change is not Change.DELETED])
def test_a_gap_changes_no_field_and_asks_for_a_re_read(change: Change) -> None:
    before = given(created(1, Name="a"))

    merged = when(before, gap(2, change))

    assert seen(merged.state).fields == seen(before).fields
    assert merged.state.needs_refetch
    assert (merged.wrote, merged.lost, merged.is_changed) == ((), (), True)


def test_a_gap_that_creates_does_not_make_the_record_complete() -> None:
    after = given(gap(1, Change.CREATED))

    assert (after.is_complete, after.needs_refetch) == (False, True)


def test_a_gap_that_deletes_ends_the_record_and_asks_for_a_re_read() -> None:
    before = given(created(1, Name="a"))

    after = when(before, gap(2, Change.DELETED)).state

    assert (after.is_deleted, after.fields, after.needs_refetch) == (True, {}, True)


@pytest.mark.parametrize("step", [updated(5, Name="b"), created(5, Name="b"), re_read(2, Name="b")])
def test_nothing_but_a_later_re_read_settles_a_gap(step: Step) -> None:
    before = given(created(1, Name="a"), gap(3))

    after = when(before, step).state

    assert after.needs_refetch


def test_a_later_re_read_settles_a_gap() -> None:
    before = given(created(1, Name="a"), gap(3))

    after = when(before, re_read(4, Name="b")).state

    assert (after.fields, after.needs_refetch) == ({"Name": "b"}, False)


def test_a_gap_that_comes_after_the_re_read_that_settled_it_asks_for_none() -> None:
    before = given(re_read(4, Name="b"))

    after = when(before, gap(3)).state

    assert not after.needs_refetch


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
        gap(2),
        gap(2, Change.DELETED),
        re_read(2, Name="c"),
        re_read_found_nothing(2),
    ],
)
@pytest.mark.parametrize("between", [[], [updated(3, Name="z")], [deleted(3)], [re_read(3, Name="z")]])
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
