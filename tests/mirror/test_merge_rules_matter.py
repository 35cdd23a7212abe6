"""Proof that the promises can fail: without any single rule of the merge, one of them does.

Each function under `without` breaks one rule, at the smallest seam of the merge, and is named after
what is believed instead. Hypothesis has to find an example for which the promise no longer holds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from random import Random
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from passport_events.event import Change, VersionKind, find_compounds
from passport_events.mirror import merge as merging
from passport_events.mirror.merge import Merged, Write
from passport_events.mirror.state import GONE, UNKNOWN, Cell, RecordState, Stamp
from tests.mirror import promises
from tests.mirror.histories import (
    arrivals,
    strict_histories,
    tied_events,
    tied_histories,
    tied_over_a_compound,
)

pytestmark = pytest.mark.any_database

MAX_EXAMPLES = 5_000

Break = Callable[[pytest.MonkeyPatch], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Promise:
    """A check, and the examples it is made for."""

    check: Callable[[Any], None]
    examples: st.SearchStrategy[Any]

    def is_broken_by(self, example: object) -> bool:
        """Whether the check fails."""
        try:
            self.check(example)
        except AssertionError:
            return True
        return False

    def find_counterexample(self, phases: Collection[hypothesis.Phase] = tuple(hypothesis.Phase)) -> Any:
        """The same example on every run. Raises NoSuchExample.

        With all phases, which takes longer, it is also a small one.
        """
        found: Any = hypothesis.find(
            self.examples,
            self.is_broken_by,
            settings=hypothesis.settings(
                max_examples=MAX_EXAMPLES,
                database=None,
                deadline=None,
                phases=phases,
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
            random=Random(0),
        )
        return found


shows_what_happened = Promise(promises.the_mirror_shows_what_happened, arrivals(strict_histories()))
ties_show_the_same = Promise(promises.any_arrival_shows_the_same, arrivals(tied_histories(max_size=8)))
ties_end_alike = Promise(
    promises.any_arrival_ends_like_the_order_of_versions, arrivals(tied_over_a_compound(max_size=3))
)
ties_are_told = Promise(
    promises.a_tie_that_matters_is_told, st.tuples(tied_events(max_size=6), st.permutations(range(3)))
)
tied_values_are_told = Promise(
    promises.a_tie_that_matters_is_told, st.tuples(tied_over_a_compound(max_size=2), st.just((2, 1, 0)))
)

BREAKS: dict[str, tuple[Break, Promise]] = {}


def without(promise: Promise) -> Callable[[Break], Break]:
    """Register a break, and the promise that does not hold without the rule."""

    def register(break_: Break) -> Break:
        BREAKS[break_.__name__] = (break_, promise)
        return break_

    return register


def _after_each_merge(patch: pytest.MonkeyPatch, change: Callable[[RecordState], RecordState]) -> None:
    true_merge = merging.merge

    def merge(state: RecordState, write: Write) -> Merged:
        merged = true_merge(state, write)
        return dataclasses.replace(merged, state=change(merged.state))

    patch.setattr(merging, "merge", merge)


def _before_each_merge(
    patch: pytest.MonkeyPatch, change: Callable[[RecordState, Write], RecordState]
) -> None:
    true_merge = merging.merge
    patch.setattr(merging, "merge", lambda state, write: true_merge(change(state, write), write))


def _names_said(patch: pytest.MonkeyPatch, said: Callable[[Write, set[str], set[str]], set[str]]) -> None:
    """Let an event speak about `said(event, fields it speaks about, fields that are known)`."""
    true_names = Write.names
    patch.setattr(Write, "names", lambda self, known: said(self, true_names(self, known), set(known)))


def _nothing_is_implied_by_compounds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordState, "_above", lambda self, name: [])


# Which of two values stays.


@without(shows_what_happened)
def the_last_to_arrive_wins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(merging, "_choose_newer", lambda _, new: new)


@without(shows_what_happened)
def what_is_older_than_the_newest_is_skipped(patch: pytest.MonkeyPatch) -> None:
    true_merge = merging.merge

    def merge(state: RecordState, write: Write) -> Merged:
        if state.newest and state.newest.key > write.stamp.key:
            return Merged(state=state, wrote=(), lost=(), is_stale=True, is_changed=False)
        return true_merge(state, write)

    patch.setattr(merging, "merge", merge)


@without(shows_what_happened)
def events_of_one_time_are_one_version(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Stamp, "_compared_by", lambda self: (self.version.value[:14], self.tie))


@without(shows_what_happened)
def one_version_is_stored_for_the_whole_record(patch: pytest.MonkeyPatch) -> None:
    true_from_json = RecordState.from_json

    def from_json(columns: Mapping[str, Any], fields: Mapping[str, Any]) -> RecordState:
        state = true_from_json(columns, fields)
        cells = {name: Cell(cell.value, state.newest or cell.stamp) for name, cell in state.cells.items()}
        return dataclasses.replace(state, cells=cells)

    patch.setattr(RecordState, "from_json", from_json)


# What a whole record says.


@without(shows_what_happened)
def a_whole_record_leaves_older_fields_that_it_does_not_name(patch: pytest.MonkeyPatch) -> None:
    _names_said(
        patch,
        lambda write, said, _: {*write.fields, *write.missing} if write.change.is_whole else said,
    )


@without(shows_what_happened)
def a_whole_record_lets_late_older_updates_in(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordState, "cell", lambda self, name: self.cells.get(name))


@without(shows_what_happened)
def a_whole_record_replaces_newer_fields_too(patch: pytest.MonkeyPatch) -> None:
    _before_each_merge(
        patch,
        lambda state, write: dataclasses.replace(state, cells={}) if write.change.is_whole else state,
    )


@without(shows_what_happened)
def an_update_makes_a_record_complete(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordState, "is_complete", property(lambda self: not self.is_deleted))


@without(shows_what_happened)
def an_undelete_is_an_update(patch: pytest.MonkeyPatch) -> None:
    true_is_floor = Write.is_floor
    patch.setattr(
        Write,
        "is_floor",
        property(lambda self: self.change is not Change.UNDELETED and true_is_floor.__get__(self)),
    )


# What a DELETE says.


@without(shows_what_happened)
def a_delete_leaves_no_tombstone(patch: pytest.MonkeyPatch) -> None:
    true_cell = RecordState.cell
    patch.setattr(
        RecordState,
        "cell",
        lambda self, name: self.cells.get(name) if self.is_deleted else true_cell(self, name),
    )


@without(shows_what_happened)
def a_newer_update_revives_a_deleted_record(patch: pytest.MonkeyPatch) -> None:
    true_is_deleted = RecordState.is_deleted
    patch.setattr(
        RecordState, "is_deleted", property(lambda self: true_is_deleted.__get__(self) and not self.cells)
    )


@without(shows_what_happened)
def a_delete_keeps_the_fields(patch: pytest.MonkeyPatch) -> None:
    _names_said(patch, lambda write, said, _: set() if write.change is Change.DELETED else said)


@without(shows_what_happened)
def a_delete_that_comes_as_a_gap_says_nothing(patch: pytest.MonkeyPatch) -> None:
    true_is_floor = Write.is_floor
    patch.setattr(Write, "is_floor", property(lambda self: not self.is_gap and true_is_floor.__get__(self)))


@without(shows_what_happened)
def an_update_after_a_delete_is_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordState, "misses_undelete", False)


@without(shows_what_happened)
def an_update_before_a_delete_is_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordState, "misses_undelete", property(lambda self: self.is_deleted))


# What an UPDATE says.


@without(shows_what_happened)
def a_field_that_is_not_named_is_empty(patch: pytest.MonkeyPatch) -> None:
    _names_said(patch, lambda write, said, known: said | known if write.change is Change.UPDATED else said)


@without(shows_what_happened)
def null_means_unchanged(patch: pytest.MonkeyPatch) -> None:
    _names_said(
        patch,
        lambda write, said, _: {name for name in said if write.fields.get(name, "") is not None},
    )


@without(shows_what_happened)
def a_field_named_without_a_value_keeps_its_value(patch: pytest.MonkeyPatch) -> None:
    _names_said(patch, lambda write, said, _: said - set(write.missing))


@without(shows_what_happened)
def a_field_named_without_a_value_is_empty(patch: pytest.MonkeyPatch) -> None:
    true_cell = Write.cell

    def cell(self: Write, name: str) -> Cell:
        true = true_cell(self, name)
        return Cell(None, true.stamp) if true.value is UNKNOWN else true

    patch.setattr(Write, "cell", cell)


# Ties.


@without(ties_show_the_same)
def the_first_of_a_tie_to_arrive_wins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Stamp,
        "_compared_by",
        lambda self: (self.version.value[:14], self.version.kind, self.version.value),
    )


@without(ties_show_the_same)
def the_greater_message_number_decides_a_tie(patch: pytest.MonkeyPatch) -> None:
    truly = Stamp._compared_by
    patch.setattr(Stamp, "_compared_by", lambda self: (*truly(self)[:-1], f"{self.message:09}"))


@without(ties_show_the_same)
def the_first_re_read_of_one_instant_wins(patch: pytest.MonkeyPatch) -> None:
    true_of_reading = Write.of_reading

    def of_reading(
        observed_ms: int, fields: Mapping[str, Any] | None, keep: frozenset[str] | None = None
    ) -> Write:
        write = true_of_reading(observed_ms, fields, keep)
        return dataclasses.replace(write, stamp=dataclasses.replace(write.stamp, tie=""))

    patch.setattr(Write, "of_reading", of_reading)


@without(ties_are_told)
def a_tie_over_a_field_is_not_told(patch: pytest.MonkeyPatch) -> None:
    _after_each_merge(
        patch,
        lambda state: dataclasses.replace(
            state, cells={name: Cell(cell.value, cell.stamp) for name, cell in state.cells.items()}
        ),
    )


@without(ties_are_told)
def a_tie_over_a_deletion_is_not_told(patch: pytest.MonkeyPatch) -> None:
    _after_each_merge(patch, lambda state: dataclasses.replace(state, floor_contested=False))


@without(ties_show_the_same)
def a_tie_outlives_a_newer_event(patch: pytest.MonkeyPatch) -> None:
    true_newer = merging._choose_newer

    def newer(old: Cell | None, new: Cell) -> Cell:
        kept = true_newer(old, new)
        return dataclasses.replace(kept, is_contested=kept.is_contested or bool(old and old.is_contested))

    patch.setattr(merging, "_choose_newer", newer)


@without(ties_show_the_same)
def a_tie_over_a_deletion_is_told_by_each_field(patch: pytest.MonkeyPatch) -> None:
    true_in_doubt = RecordState._is_in_doubt
    patch.setattr(
        RecordState,
        "_is_in_doubt",
        lambda self, name: true_in_doubt(dataclasses.replace(self, floor_contested=False), name),
    )


@without(ties_end_alike)
def a_tie_over_a_compound_is_told_by_each_leaf(patch: pytest.MonkeyPatch) -> None:
    true_in_doubt = RecordState._is_in_doubt

    def is_in_doubt(self: RecordState, name: str) -> bool:
        alone = dataclasses.replace(self, cells={name: self.cells[name]})
        return true_in_doubt(alone, name)

    patch.setattr(RecordState, "_is_in_doubt", is_in_doubt)


@without(tied_values_are_told)
def values_are_compared_as_python_compares_them(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(merging, "_is_same", lambda one, other: one == other)


# Compounds.


@without(shows_what_happened)
def a_compound_does_not_speak_for_its_leaves(patch: pytest.MonkeyPatch) -> None:
    _names_said(
        patch,
        lambda write, said, _: {*write.fields, *write.missing} if write.change is Change.UPDATED else said,
    )
    _nothing_is_implied_by_compounds(patch)


@without(shows_what_happened)
def a_compound_does_not_speak_for_the_leaves_that_are_known(patch: pytest.MonkeyPatch) -> None:
    _names_said(
        patch,
        lambda write, said, _: {*write.fields, *write.missing} if write.change is Change.UPDATED else said,
    )


@without(shows_what_happened)
def a_compound_does_not_speak_for_the_leaves_that_are_not_known_yet(patch: pytest.MonkeyPatch) -> None:
    _nothing_is_implied_by_compounds(patch)


@without(shows_what_happened)
def a_compound_speaks_for_newer_leaves_too(patch: pytest.MonkeyPatch) -> None:
    def forget_leaves(state: RecordState, write: Write) -> RecordState:
        said = {*write.fields, *write.missing}
        cells = {name: cell for name, cell in state.cells.items() if said.isdisjoint(find_compounds(name))}
        return dataclasses.replace(state, cells=cells)

    _before_each_merge(patch, forget_leaves)


@without(shows_what_happened)
def a_compound_named_without_a_value_has_no_leaves(patch: pytest.MonkeyPatch) -> None:
    true_cell = Write.cell

    def cell(self: Write, name: str) -> Cell:
        true = true_cell(self, name)
        is_named = name in self.missing or true.value is not UNKNOWN
        return true if is_named else Cell(None, true.stamp)

    patch.setattr(Write, "cell", cell)


@without(ties_end_alike)
def a_leaf_stays_beside_a_compound_that_says_the_same(patch: pytest.MonkeyPatch) -> None:
    true_without_implied = RecordState.without_implied

    def without_implied(self: RecordState, touched: Iterable[str]) -> RecordState:
        kept = true_without_implied(self, touched).cells
        leaves = {
            name: cell
            for name, cell in self.cells.items()
            if cell.value is not GONE and not kept.keys().isdisjoint(find_compounds(name))
        }
        return dataclasses.replace(self, cells={**leaves, **kept})

    patch.setattr(RecordState, "without_implied", without_implied)


# Re-reads, gaps and kinds of versions.


@without(shows_what_happened)
def a_re_read_wins_over_everything(patch: pytest.MonkeyPatch) -> None:
    _before_each_merge(
        patch,
        lambda state, write: (
            dataclasses.replace(state, cells={}, floor=None)
            if write.stamp.version.kind is VersionKind.OBSERVED
            else state
        ),
    )


@without(shows_what_happened)
def a_re_read_settles_nothing(patch: pytest.MonkeyPatch) -> None:
    _after_each_merge(patch, lambda state: dataclasses.replace(state, observed_ms=-1))


@without(shows_what_happened)
def a_re_read_settles_later_gaps_too(patch: pytest.MonkeyPatch) -> None:
    _before_each_merge(
        patch,
        lambda state, write: (
            dataclasses.replace(state, dirty=None)
            if write.stamp.version.kind is VersionKind.OBSERVED
            else state
        ),
    )


@without(shows_what_happened)
def nothing_but_a_re_read_settles_a_gap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        RecordState,
        "is_dirty",
        property(lambda self: bool(self.dirty) and self.dirty.version.milliseconds > self.observed_ms),
    )


@without(shows_what_happened)
def an_older_whole_record_settles_a_gap(patch: pytest.MonkeyPatch) -> None:
    _before_each_merge(
        patch, lambda state, write: dataclasses.replace(state, dirty=None) if write.is_floor else state
    )


@without(shows_what_happened)
def a_newer_update_settles_a_gap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordState, "is_dirty", property(lambda self: self.dirty == self.newest is not None))


@without(shows_what_happened)
def a_record_with_a_gap_is_complete(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        RecordState,
        "is_complete",
        property(lambda self: self.floor_change is not None and self.floor_change.is_whole),
    )


@without(ties_are_told)
def a_tie_between_a_gap_and_a_whole_record_is_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        RecordState,
        "is_dirty",
        property(lambda self: bool(self.dirty) and (not self.floor or self.dirty.key > self.floor.key)),
    )


@without(shows_what_happened)
def a_gap_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    _after_each_merge(patch, lambda state: dataclasses.replace(state, dirty=None))


@without(shows_what_happened)
def a_gap_is_a_whole_record(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Write, "is_floor", property(lambda self: self.change is not Change.UPDATED))


@without(shows_what_happened)
def two_kinds_of_versions_can_be_compared(patch: pytest.MonkeyPatch) -> None:
    _after_each_merge(patch, lambda state: dataclasses.replace(state, kinds={}))


@pytest.mark.parametrize("name", BREAKS)
def test_a_promise_is_broken_when(name: str) -> None:
    break_rule, promise = BREAKS[name]

    with pytest.MonkeyPatch.context() as patch:
        break_rule(patch)
        example = promise.find_counterexample(phases=[hypothesis.Phase.generate])

    assert not promise.is_broken_by(example), "The true merge keeps the promise for it."
