"""What the merge promises, each as a check of one example.

`test_convergence` checks them for many examples; `test_merge_rules_matter` shows that every rule of
the merge is needed for one of them.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence

from passport_events.mirror import merge as merging
from passport_events.mirror.state import RecordState
from tests.mirror.histories import Arrival, Step, deliver, expected, seen, without_message_numbers


def any_arrival_ends_like_the_order_of_versions(arrival: Arrival) -> None:
    """Promise 3. Where versions tie, any order of the tied ones counts as their order."""
    in_order = deliver(arrival.history)

    as_it_came = deliver(arrival.steps)

    assert without_message_numbers(as_it_came) == without_message_numbers(in_order)


def any_arrival_shows_the_same(arrival: Arrival) -> None:
    """The part of it that a handler or an operator can see."""
    in_order = deliver(arrival.history)

    as_it_came = deliver(arrival.steps)

    assert seen(as_it_came) == seen(in_order)


def every_permutation_ends_alike(history: Sequence[Step]) -> None:
    """The same for every order of a history that is short enough to try them all."""
    first, *others = (without_message_numbers(deliver(order)) for order in itertools.permutations(history))

    assert all(other == first for other in others)


def the_mirror_shows_what_happened(arrival: Arrival) -> None:
    """A model that applies one event of a strictly versioned history after the other shows the same."""
    what_happened = expected(arrival.history)

    assert seen(deliver(arrival.steps)) == what_happened


def a_tie_that_matters_is_told(example: tuple[Sequence[Step], Sequence[int]]) -> None:
    """Where another choice between tied events shows another record, both ask for a re-read."""
    history, twins = example
    chosen = deliver(history)
    otherwise = deliver([dataclasses.replace(step, twin=twins[step.twin]) for step in history])

    if _shown(chosen) != _shown(otherwise):
        assert chosen.needs_refetch
        assert otherwise.needs_refetch


def every_field_names_the_message_that_wrote_it(arrival: Arrival) -> None:
    """A message's number leads to an event that says this value."""
    state = deliver(arrival.steps)

    for name, cell in state.cells.items():
        # Re-reads have the number 0.
        if cell.stamp.message:
            said = arrival.steps[cell.stamp.message - 1].write(cell.stamp.message).cell(name)
            assert dataclasses.replace(cell, is_contested=False) == said


def what_was_merged_changes_nothing_again(arrival: Arrival) -> None:
    """Duplicates are without effect, whenever they come."""
    state = deliver(arrival.steps)

    for step in arrival.history:
        assert not merging.merge(state, step.write(99)).is_changed


def _shown(state: RecordState) -> object:
    shown = seen(state)
    # What a deleted record still shows is of no interest. To Python, 1 and true are equal.
    return shown.is_deleted or json.dumps((shown.fields, shown.is_complete), sort_keys=True)
