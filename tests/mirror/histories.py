"""Histories of one record, how they arrive, and what they must come to. Shared by the merge tests."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from passport_events.event import Change, Event, Identity, Version, VersionKind, find_compounds
from passport_events.exceptions import FieldUnknown
from passport_events.mirror import merge as merging
from passport_events.mirror.merge import Write
from passport_events.mirror.state import RecordState, Stamp
from passport_events.models import SalesforceRecord

NAMES = ("Addr", "Addr.City", "Addr.Street", "City", "Name", "Stage")
ORGANIZATION = "00D5g000004XyzAEAS"
RECORD = "0065g00000AbCdEAAV"


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One event or re-read of a record. Its repr is what a falsifying example shows."""

    change: Change
    at: int
    """Milliseconds."""
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    missing: tuple[str, ...] = ()
    kind: VersionKind = VersionKind.COMMIT
    sequence: int = 0
    """Orders the events of one transaction."""
    twin: int = 0
    """Tells events of one version apart."""
    is_gap: bool = False

    @property
    def version(self) -> Version:
        """As the wire modules would make it."""
        if self.kind is VersionKind.OBSERVED:
            return Version.of_observation(self.at)
        commit = Version.of_commit(self.at, 0, self.sequence)
        return dataclasses.replace(commit, kind=self.kind)

    @property
    def order(self) -> tuple[int, str, int]:
        """When it happened: by time, and of one time by kind and then by sequence."""
        return (self.at, self.kind, self.sequence)

    @property
    def event(self) -> Event:
        """The event it arrives as, if it is not a re-read."""
        return Event(
            event_type="opportunity",
            change=self.change,
            organization=ORGANIZATION,
            entity="Opportunity",
            record_id=RECORD,
            version=self.version,
            identity=Identity("cdc", f"{self.twin:016x}".ljust(64, "0")),
            fields=self.fields,
            missing=self.missing,
            is_gap=self.is_gap,
        )

    def write(self, message: int) -> Write:
        """What it brings to the record when it arrives as message number `message`."""
        if self.kind is VersionKind.OBSERVED:
            return Write.of_reading(self.at, None if self.change is Change.DELETED else self.fields)
        return Write.of_event(self.event, message)

    def __repr__(self) -> str:
        gap = "gap-" if self.is_gap else ""
        change = "re-read" if self.kind is VersionKind.OBSERVED else str(self.change)
        kind = "s" if self.kind is VersionKind.SEQUENCE else ""
        sequence = f".{self.sequence}" if self.sequence else ""
        twin = "'" * self.twin
        said = [f"{name}={value!r}" for name, value in self.fields.items()]
        said += [f"{name}=?" for name in self.missing]
        if self.change is Change.DELETED and self.kind is VersionKind.OBSERVED:
            said = ["nothing"]
        return f"{gap}{change}@{kind}{self.at}{sequence}{twin}({', '.join(said)})"


def deliver(arriving: Iterable[Step]) -> RecordState:
    """The state after `arriving`; messages are numbered as they come, and every state is stored."""
    state = RecordState()
    for message, step in enumerate(arriving, start=1):
        state = stored(merging.merge(state, step.write(message)).state)
    return state


def stored(state: RecordState) -> RecordState:
    """The state written to the two JSON columns of a record and read back."""
    columns = json.loads(json.dumps([state.to_json(), state.fields]))
    return RecordState.from_json(*columns)


def without_message_numbers(state: RecordState) -> RecordState:
    """The state as far as it can be compared between two orders of arrival."""

    def bare(stamp: Stamp | None) -> Stamp | None:
        return stamp and dataclasses.replace(stamp, message=0)

    cells = {
        name: dataclasses.replace(cell, stamp=dataclasses.replace(cell.stamp, message=0))
        for name, cell in state.cells.items()
    }
    return dataclasses.replace(
        state, cells=cells, floor=bare(state.floor), newest=bare(state.newest), dirty=bare(state.dirty)
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a handler and an operator see of a record."""

    fields: Mapping[str, Any]
    """Only those that do not raise FieldUnknown."""
    contested: Sequence[str]
    is_deleted: bool
    is_complete: bool
    needs_refetch: bool


def record_of(state: RecordState) -> SalesforceRecord:
    """A record with this state; it is not saved."""
    return SalesforceRecord(
        entity="Opportunity",
        record_id=RECORD,
        fields=state.fields,
        merge_state=state.to_json(),
        is_deleted=state.is_deleted,
        is_complete=state.is_complete,
        needs_refetch=state.needs_refetch,
    )


def seen(state: RecordState) -> Seen:
    """What the mirror shows in this state."""
    record = record_of(state)
    fields = {}
    for name in NAMES:
        try:
            fields[name] = record[name]
        except FieldUnknown:
            continue
    return Seen(
        fields=fields,
        contested=state.contested,
        is_deleted=state.is_deleted,
        is_complete=state.is_complete,
        needs_refetch=state.needs_refetch,
    )


def expected(history: Sequence[Step]) -> Seen:
    """What a strictly versioned history comes to: one dict, changed by one event after the other."""
    told: dict[str, Any] = {}
    is_whole = is_deleted = is_dirty = is_updated = False
    for step in sorted(history, key=lambda step: step.order):
        if step.change is Change.DELETED or (step.change is not Change.UPDATED and not step.is_gap):
            told, is_dirty, is_updated = {}, False, False
            is_deleted, is_whole = step.change is Change.DELETED, step.change is not Change.DELETED
        else:
            is_dirty, is_updated = is_dirty or step.is_gap, True
        said = {**dict.fromkeys(step.missing, ...), **step.fields}
        told = {name: value for name, value in told.items() if said.keys().isdisjoint(find_compounds(name))}
        told |= {
            name: value for name, value in said.items() if value not in _implied(name, said, step.change)
        }
    is_complete = is_whole and not is_dirty
    fields = {}
    for name in NAMES:
        value, *_ = [told[above] for above in (name, *find_compounds(name)) if above in told] or [None]
        has_parts = any(part is not None for leaf, part in told.items() if name in find_compounds(leaf))
        if value is not ... and (name in told or is_complete) and not has_parts:
            fields[name] = value
    last_read = max((step.at for step in history if step.kind is VersionKind.OBSERVED), default=0)
    since = [step for step in history if step.at > last_read and step.kind is not VersionKind.OBSERVED]
    return Seen(
        fields=fields,
        contested=[],
        is_deleted=is_deleted,
        is_complete=is_complete,
        needs_refetch=... in told.values()
        or not (is_deleted or is_complete)
        or (is_deleted and is_updated)
        or len({step.kind for step in since}) > 1,
    )


def _implied(name: str, said: Mapping[str, Any], change: Change) -> list[Any]:
    """What an event says of a field without naming it, which only a complete record shows."""
    return [said[above] for above in find_compounds(name) if above in said] or [None] * change.is_whole


_KINDS = (VersionKind.COMMIT, VersionKind.COMMIT, VersionKind.SEQUENCE)
_WHOLE = (Change.CREATED, Change.UNDELETED, Change.SNAPSHOT)
_SAID = st.dictionaries(st.sampled_from(NAMES), st.sampled_from((None, None, "a", 1, True, ...)), max_size=4)
"""Values by field; `...` where the event names a field without a value."""


def _saying(change: Change, said: Mapping[str, Any], **ordered: Any) -> Step:
    fields = {name: value for name, value in said.items() if value is not ...}
    if "Addr" in fields:
        fields["Addr"] = None  # a compound has leaves or nothing
    return Step(change, fields=fields, missing=tuple(name for name in said if name not in fields), **ordered)


def _events(times: int, twins: int) -> st.SearchStrategy[Step]:
    ordered = {
        "at": st.integers(1, times),
        "kind": st.sampled_from(_KINDS),
        "sequence": st.integers(0, 1),
        "twin": st.integers(0, twins),
    }
    updated = st.builds(_saying, st.just(Change.UPDATED), _SAID, **ordered)
    whole = st.builds(_saying, st.sampled_from(_WHOLE), _SAID, **ordered)
    deleted = st.builds(Step, st.just(Change.DELETED), **ordered)
    gap = st.builds(Step, st.sampled_from(Change), is_gap=st.just(True), **ordered)
    return st.one_of(updated, updated, whole, deleted, gap)


def _readings(times: int) -> st.SearchStrategy[Step]:
    at, kind = st.integers(1, times), st.just(VersionKind.OBSERVED)
    known = _SAID.filter(lambda said: ... not in said.values())
    something = st.builds(_saying, st.just(Change.SNAPSHOT), known, at=at, kind=kind)
    nothing = st.builds(Step, st.just(Change.DELETED), at, kind=kind)
    return st.one_of(something, nothing)


def _identity(step: Step) -> tuple[Version, object]:
    return step.version, repr(step) if step.kind is VersionKind.OBSERVED else step.twin


def strict_histories() -> st.SearchStrategy[list[Step]]:
    """Histories in which every event and every re-read has a version of its own."""
    steps = st.one_of(_events(6, 0), _events(6, 0), _readings(6))
    return st.lists(steps, min_size=1, max_size=8, unique_by=lambda step: step.version)


def tied_histories(max_size: int) -> st.SearchStrategy[list[Step]]:
    """Histories in which events, and re-reads too, often share a version."""
    steps = st.one_of(_events(2, 2), _events(2, 2), _readings(2))
    return st.lists(steps, min_size=1, max_size=max_size, unique_by=_identity)


def tied_events(max_size: int) -> st.SearchStrategy[list[Step]]:
    """The same without re-reads."""
    return st.lists(_events(2, 2), min_size=1, max_size=max_size, unique_by=_identity)


def tied_over_a_compound(max_size: int) -> st.SearchStrategy[list[Step]]:
    """Histories of one version, whose events speak of a compound and its leaves alone."""
    said = st.dictionaries(
        st.sampled_from([name for name in NAMES if name.startswith("Addr")]),
        st.sampled_from((None, 1, True, ...)),
        min_size=1,
        max_size=2,
    )
    ordered = {"at": st.just(1), "twin": st.integers(0, 2)}
    saying = st.builds(
        _saying, st.sampled_from((Change.UPDATED, Change.UPDATED, Change.CREATED)), said, **ordered
    )
    deleted = st.builds(Step, st.just(Change.DELETED), **ordered)
    return st.lists(
        st.one_of(saying, saying, saying, deleted), min_size=2, max_size=max_size, unique_by=_identity
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """A history as it arrives: in any order, some of it more than once."""

    steps: Sequence[Step]

    @property
    def history(self) -> list[Step]:
        """Each step once, in the order of versions."""
        once = {repr(step): step for step in self.steps}
        return sorted(once.values(), key=lambda step: (step.order, repr(step)))

    def __repr__(self) -> str:
        return ", ".join(map(repr, self.steps))


@st.composite
def arrivals(draw: st.DrawFn, histories: st.SearchStrategy[list[Step]]) -> Arrival:
    """Histories in any order, which is how they are drawn, and with any duplicates."""
    steps = draw(histories)
    for again in draw(st.lists(st.sampled_from(steps), max_size=3)):
        steps.insert(draw(st.integers(0, len(steps))), again)
    return Arrival(tuple(steps))
