"""The state of a record between two merges, and its form in the database."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from passport_events.event import Change, Version, VersionKind, find_compounds


class _Special(enum.Enum):
    UNKNOWN = "unknown"
    GONE = "gone"


UNKNOWN = _Special.UNKNOWN
"""Salesforce said that the field changed, and did not say to what."""
GONE = _Special.GONE
"""What a DELETE says about every field."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stamp:
    """When a value was written, and by which message."""

    version: Version
    tie: str
    """Decides between events of one version: the beginning of their dedup keys. Of a re-read, a hash."""
    message: int
    """Primary key of the message; 0 for a re-read."""
    key: tuple[str, ...] = dataclasses.field(init=False, repr=False, compare=False)
    """What stamps are compared by."""

    def __post_init__(self) -> None:
        # Once, because a merge compares a stamp with that of every field.
        object.__setattr__(self, "key", self._compared_by())

    def _compared_by(self) -> tuple[str, ...]:
        """The message's number differs from run to run and is not in it."""
        value = self.version.value
        return (value[:14], self.version.kind, value, self.tie)

    def ties_with(self, other: Stamp) -> bool:
        """Whether two different events have one version, so that nothing orders them."""
        return self.version == other.version and self.tie != other.tie

    def to_text(self) -> str:
        """Its form in the database."""
        return f"{self.version.kind}/{self.version.value}/{self.tie}/{self.message}"

    @classmethod
    def from_text(cls, text: str) -> Stamp:
        """Back from the database."""
        kind, value, tie, message = text.split("/")
        return cls(Version(VersionKind(kind), value), tie, int(message))


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One field: its value, UNKNOWN or GONE, and who wrote it."""

    value: Any
    stamp: Stamp
    is_contested: bool = False
    """Events of one version gave it different values."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordState:
    """Everything a merge needs to know of the merges before it."""

    cells: Mapping[str, Cell] = dataclasses.field(default_factory=dict)
    floor: Stamp | None = None
    """The newest event that said something about every field."""
    floor_change: Change | None = None
    floor_contested: bool = False
    """Events of one version disagree on whether the record is deleted."""
    newest: Stamp | None = None
    kinds: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Kind of version -> the last milliseconds it was met at, since the last re-read."""
    observed_ms: int = -1
    """The last re-read."""
    dirty: Stamp | None = None
    """The last gap: unless a newer event says something about every field, a re-read is owed."""

    @property
    def is_deleted(self) -> bool:
        """Only a floor can end or revive a record, so a late update never does."""
        return self.floor_change is Change.DELETED

    @property
    def is_dirty(self) -> bool:
        """Whether something changed since the floor, and nobody told what."""
        if self.dirty is None or self.floor is None:
            return self.dirty is not None
        return self.dirty.key > self.floor.key or self.dirty.ties_with(self.floor)

    @property
    def is_complete(self) -> bool:
        """Whether a field that is not in `fields` is known to be empty."""
        return self.floor_change is not None and self.floor_change.is_whole and not self.is_dirty

    @property
    def misses_undelete(self) -> bool:
        """Whether a deleted record was updated later: it must have been restored in between."""
        return self.is_deleted and self.newest != self.floor

    @property
    def unknown(self) -> list[str]:
        """Fields that changed to a value nobody told."""
        return sorted(name for name, cell in self.cells.items() if cell.value is UNKNOWN)

    @property
    def contested(self) -> list[str]:
        """Fields to which events of one version gave different values."""
        return sorted(name for name, cell in self.cells.items() if cell.is_contested)

    @property
    def needs_refetch(self) -> bool:
        """Whether Salesforce has to be asked before every value can be trusted."""
        return (
            self.floor_contested
            or self.is_dirty
            or self.misses_undelete
            or len(self.kinds) > 1
            or not (self.is_complete or self.is_deleted)
            or any(cell.value is UNKNOWN or cell.is_contested for cell in self.cells.values())
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The known values."""
        return {name: cell.value for name, cell in sorted(self.cells.items()) if cell.value is not UNKNOWN}

    def cell(self, name: str) -> Cell | None:
        """What is known about a field, also where only a compound above it or the floor implies it."""
        return self.cells[name] if name in self.cells else self._implied(name)

    def _above(self, name: str) -> Sequence[Cell]:
        """The compounds that a field is a leaf of, the nearest first."""
        if "." not in name:
            return ()  # nearly every field of nearly every record
        cells = [
            self.cells[compound] for compound in reversed(find_compounds(name)) if compound in self.cells
        ]
        return [cell for cell in cells if cell.value is not GONE]

    @property
    def _implied_by_floor(self) -> Cell | None:
        """What the floor says about every field."""
        return None if self.floor is None else Cell(GONE if self.is_deleted else None, self.floor)

    def _implied(self, name: str) -> Cell | None:
        """What a compound or the floor says about a field: a compound without value has no leaves."""
        by_floor, above = self._implied_by_floor, self._above(name)
        if not above:
            return by_floor
        implied = [Cell(UNKNOWN if cell.value is UNKNOWN else None, cell.stamp) for cell in above]
        if by_floor is not None:
            implied.append(by_floor)
        return max(implied, key=lambda cell: cell.stamp.key)

    def _is_in_doubt(self, name: str) -> bool:
        """Whether events of the version that wrote a field disagree on its compound or on the floor."""
        if not self.floor_contested and "." not in name:
            return False
        version = self.cells[name].stamp.version
        doubted = [cell.stamp.version for cell in self._above(name) if cell.is_contested]
        if self.floor is not None and self.floor_contested:
            doubted.append(self.floor.version)
        return version in doubted

    def without_implied(self, touched: Iterable[str]) -> RecordState:
        """The same state without cells that say only what the floor or a compound says anyway.

        Only cells that a write `touched` can have become such: it touches the leaves of its compounds, and
        a floor touches all. So an update of few fields costs little, however many the record has.

        A contested floor puts every field of its version in doubt, a contested compound its leaves.
        So no field says so itself: what is implied leaves no cells, and which fields a tied event met
        depends on the order of arrival.
        """
        needless: list[str] = []
        in_doubt: dict[str, Cell] = {}
        by_floor = self._implied_by_floor
        for name in touched:
            cell = self.cells[name]
            if cell.is_contested and self._is_in_doubt(name):
                cell = in_doubt[name] = dataclasses.replace(cell, is_contested=False)
            if cell.value is GONE or cell == (self._implied(name) if "." in name else by_floor):
                needless.append(name)
        if not (needless or in_doubt):
            return self
        cells = {**self.cells, **in_doubt}
        for name in needless:
            del cells[name]
        return dataclasses.replace(self, cells=cells)

    def to_json(self) -> dict[str, Any]:
        """All but the values, as JSON; fields are grouped by stamp because events write many at once."""
        stamps: dict[str, list[str]] = {}
        last, text = None, ""
        for name, cell in sorted(self.cells.items()):
            if cell.stamp is not last:
                last, text = cell.stamp, cell.stamp.to_text()
            stamps.setdefault(text, []).append(name)
        return {
            "stamps": stamps,
            "unknown": self.unknown,
            "contested": self.contested,
            "floor": self.floor.to_text() if self.floor else None,
            "floor_change": self.floor_change,
            "floor_contested": self.floor_contested,
            "newest": self.newest.to_text() if self.newest else None,
            "kinds": dict(self.kinds),
            "observed_ms": self.observed_ms,
            "dirty": self.dirty.to_text() if self.dirty else None,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any], fields: Mapping[str, Any]) -> RecordState:
        """Back from the two columns of a record; an empty `state` is a record nobody has merged yet."""
        if not state:
            return cls()
        unknown, contested = set(state["unknown"]), set(state["contested"])
        cells = {}
        for text, names in state["stamps"].items():
            stamp = Stamp.from_text(text)
            for name in names:
                value = UNKNOWN if name in unknown else fields[name]
                cells[name] = Cell(value, stamp, name in contested)
        return cls(
            cells=cells,
            floor=Stamp.from_text(state["floor"]) if state["floor"] else None,
            floor_change=Change(state["floor_change"]) if state["floor_change"] else None,
            floor_contested=state["floor_contested"],
            newest=Stamp.from_text(state["newest"]) if state["newest"] else None,
            kinds=state["kinds"],
            observed_ms=state["observed_ms"],
            dirty=Stamp.from_text(state["dirty"]) if state["dirty"] else None,
        )
