"""Merging events into a record: a pure function whose result does not depend on the order of events.

Every field is a cell that remembers which event wrote it; of two writes of one cell the one with
the greater stamp stays. An event that knows the whole record (CREATE, UNDELETE, a snapshot, a
re-read) or ends it (DELETE) is a *floor*: it writes every field at once, the absent ones too. The
state is therefore the maximum over all events, taken cell by cell, and a maximum has no order.

Stamps compare by time first. Within one kind of version that is the order of versions, because
every version begins with its milliseconds; across kinds it is only a choice that all workers
make alike, and the record then says that it has to be read again.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from passport_events import exact_json
from passport_events.event import Change, Event, Identity, Version, VersionKind, find_compounds, is_among
from passport_events.mirror.state import GONE, UNKNOWN, Cell, RecordState, Stamp

TIE_LENGTH = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What one event brings to a record."""

    stamp: Stamp
    change: Change
    fields: Mapping[str, Any]
    missing: Collection[str] = frozenset()
    is_gap: bool = False

    def __post_init__(self) -> None:
        # An event may name tens of thousands, and every cell is looked up among them.
        object.__setattr__(self, "missing", frozenset(self.missing))

    @classmethod
    def of_event(cls, event: Event, message_id: int, keep: frozenset[str] | None = None) -> Write:
        """The write of a received event; `keep` limits it to the fields that the mirror may hold."""
        stamp = Stamp(event.version, event.identity.key[:TIE_LENGTH], message_id)
        write = cls(
            stamp=stamp,
            change=event.change,
            # What a delete brings is the handler's alone: the record has no fields any more.
            fields={} if event.change is Change.DELETED else event.fields,
            missing=event.missing,
            is_gap=event.is_gap,
        )
        return write if keep is None else write.limited_to(keep)

    @classmethod
    def of_reading(
        cls, observed_ms: int, fields: Mapping[str, Any] | None, keep: frozenset[str] | None = None
    ) -> Write:
        """The write of a re-read that saw `fields`, or no record at all; `keep` as in `of_event`.

        `observed_ms` is Salesforce's clock, taken before the read, minus the margin for commits
        that were under way.
        """
        change = Change.DELETED if fields is None else Change.SNAPSHOT
        if fields is not None and keep is not None:
            fields = {name: value for name, value in fields.items() if is_among(name, keep)}
        # Two workers may read at one instant of Salesforce's clock, which ticks in seconds.
        tie = Identity.of("reading", exact_json.dumps(fields, sort_keys=True)).key[:TIE_LENGTH]
        stamp = Stamp(Version.of_observation(observed_ms), tie, 0)
        return cls(stamp=stamp, change=change, fields=fields or {})

    def limited_to(self, keep: frozenset[str]) -> Write:
        """The same about the fields of `keep`, also about those that it names by their compound."""
        said = {*self.fields, *self.missing}
        names = {name for name in said if is_among(name, keep)}
        names |= {name for name in keep if not said.isdisjoint(find_compounds(name))}
        told = {name: self.cell(name).value for name in sorted(names)}
        return dataclasses.replace(
            self,
            fields={name: value for name, value in told.items() if value is not UNKNOWN},
            missing=tuple(name for name, value in told.items() if value is UNKNOWN),
        )

    @property
    def is_floor(self) -> bool:
        """Whether it says something about every field. A gap knows no fields, but knows of a DELETE."""
        return self.change is Change.DELETED or (self.change.is_whole and not self.is_gap)

    def cell(self, name: str) -> Cell:
        """What it says about one field."""
        if self.change is Change.DELETED:
            return Cell(GONE, self.stamp)
        if name in self.fields:
            return Cell(self.fields[name], self.stamp)
        for said in (name, *reversed(find_compounds(name))):
            if said in self.fields:
                return Cell(None, self.stamp)
            if said in self.missing:
                return Cell(UNKNOWN, self.stamp)
        return Cell(None, self.stamp)

    def names(self, known: Iterable[str]) -> set[str]:
        """The fields it says something about, where the record already knows `known`."""
        if self.is_floor:
            return {*known, *self.fields, *self.missing}
        if self.is_gap:
            return set()
        said = {*self.fields, *self.missing}
        # A compound that is emptied, or has changed to nobody knows what, takes its leaves with it.
        return said | {name for name in known if not said.isdisjoint(find_compounds(name))}


@dataclasses.dataclass(frozen=True, slots=True)
class Merged:
    """A record after a write, and how the write fared."""

    state: RecordState
    wrote: tuple[str, ...]
    """Fields whose value is now the one this write gave."""
    lost: tuple[str, ...]
    """Fields that newer data had already."""
    is_stale: bool
    """Newer data was merged before."""
    is_changed: bool
    """The record has to be written."""


def merge(state: RecordState, write: Write) -> Merged:
    """Take one write into the state of its record."""
    stamp = write.stamp
    cells = dict(state.cells)
    touched = write.names(cells)
    for name in touched:
        cells[name] = _choose_newer(state.cell(name), write.cell(name))
    floor, floor_change, floor_contested = state.floor, state.floor_change, state.floor_contested
    if write.is_floor:
        is_tie = floor is not None and floor.ties_with(stamp)
        floor_contested |= is_tie and (write.change is Change.DELETED) != state.is_deleted
        if floor is None or stamp.key > floor.key:
            floor_contested &= is_tie
            floor, floor_change = stamp, write.change

    observed, kinds, dirty = state.observed_ms, dict(state.kinds), state.dirty
    when = stamp.version.milliseconds
    if stamp.version.kind is VersionKind.OBSERVED:
        observed = max(observed, when)
    else:
        kinds[stamp.version.kind] = max(when, kinds.get(stamp.version.kind, -1))
    if write.is_gap:
        dirty = _choose_later(dirty, stamp)

    after = RecordState(
        cells=cells,
        floor=floor,
        floor_change=floor_change,
        floor_contested=floor_contested,
        newest=_choose_later(state.newest, stamp),
        kinds={kind: last for kind, last in kinds.items() if last > observed},
        observed_ms=observed,
        dirty=dirty,
    ).without_implied(touched)
    wrote: list[str] = []
    lost: list[str] = []
    for name in sorted({*write.fields, *write.missing}):
        is_ours = (after.cell(name) or write.cell(name)).stamp.key == stamp.key
        (wrote if is_ours else lost).append(name)
    return Merged(
        state=after,
        wrote=tuple(wrote),
        lost=tuple(lost),
        is_stale=state.newest is not None and state.newest.key > stamp.key,
        is_changed=after != state,
    )


def _choose_later(old: Stamp | None, new: Stamp) -> Stamp:
    return new if old is None or new.key > old.key else old


def _choose_newer(old: Cell | None, new: Cell) -> Cell:
    """Of two writes of one field the one to keep. Equal versions with unequal values are contested."""
    if old is None or old.stamp.key == new.stamp.key:
        return old or new
    winner, loser = (new, old) if new.stamp.key > old.stamp.key else (old, new)
    if not winner.stamp.ties_with(loser.stamp):
        return winner
    contested = winner.is_contested or loser.is_contested or not _is_same(winner.value, loser.value)
    return dataclasses.replace(winner, is_contested=contested)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two events give a field the same value."""
    if isinstance(one, enum.Enum) or isinstance(other, enum.Enum):
        return one is other
    return exact_json.is_equal(one, other)
