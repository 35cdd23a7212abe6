"""Comparing what must be with what is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from project.demo.oracle import MirrorRow, RecordKey, Row
from project.demo.publisher import Sent
from project.demo.scenario import Ending, Round

LIVE = frozenset({"waiting", "processing"})
DISCARDED = "discarded"
"""What whoever tries out the admin may make of an event that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One row of the inbox."""

    sns_message_id: str
    status: str
    reason: str
    finished_at: float | None
    """Seconds since 1970, by the database's clock."""
    applied: int
    """How often the monolith's ledger has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the database and SQS hold."""

    arrivals: tuple[Arrival, ...]
    mirror: Mapping[RecordKey, MirrorRow]
    tables: Mapping[str, Mapping[RecordKey, Row]]
    in_dead_letter_queue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One published event: how it must end, and every inbox row that a copy of it became."""

    name: str
    must: Ending
    reason: str
    arrivals: tuple[Arrival, ...]

    @property
    def statuses(self) -> set[str]:
        """Of all its rows."""
        return {arrival.status for arrival in self.arrivals}

    @property
    def applied(self) -> int:
        """How often the monolith has it, whichever copy it was."""
        return sum(arrival.applied for arrival in self.arrivals)

    @property
    def is_lost(self) -> bool:
        """Nobody would find it again: no row, a row that is stuck, or a success without an effect."""
        is_hollow = self.statuses == {Ending.SUCCEEDED} and not self.applied
        return not self.arrivals or bool(self.statuses & LIVE) or is_hollow

    @property
    def ended_otherwise(self) -> bool:
        """It ended, and not as it must."""
        allowed = {self.must} if self.must is Ending.SUCCEEDED else {self.must, DISCARDED}
        return bool(self.statuses - LIVE - allowed)

    @property
    def has_other_reason(self) -> bool:
        """It was quarantined for something else."""
        return any(not arrival.reason.startswith(self.reason) for arrival in self.arrivals)


LOST = "lost"
APPLIED_TWICE = "applied twice"
NEVER_PUBLISHED = "never published"
MIRROR_DIFFERS = "mirror rows that differ"
TABLES_DIFFER = "rows of the monolith that differ"
GIVEN_UP_BY_SQS = "in SQS's dead-letter queue"

FAULTS: Mapping[str, Callable[[Fate], bool]] = {
    LOST: lambda fate: fate.is_lost,
    APPLIED_TWICE: lambda fate: fate.applied > 1,
    "recorded twice": lambda fate: len(fate.arrivals) > 1,
    "ended otherwise": lambda fate: fate.ended_otherwise,
    "applied, yet no success": lambda fate: fate.must is not Ending.SUCCEEDED and fate.applied > 0,
    "quarantined for another reason": lambda fate: fate.has_other_reason,
}
"""What can be wrong with one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The figures, and everything that is wrong."""

    published: int
    must_be_published: int
    unique: int
    recorded: int
    dead: int
    must_be_dead: int
    quarantined: int
    must_be_quarantined: int
    mirror_rows: int
    """So many there must be."""
    table_rows: int
    """Of all of the monolith's tables."""
    wrong: Mapping[str, tuple[str, ...]]
    """What can be wrong -> the events or rows where it is."""

    @property
    def is_right(self) -> bool:
        """Whether nothing at all is wrong."""
        return not any(self.wrong.values())

    def count(self, what: str) -> int:
        """How often one thing is wrong."""
        return len(self.wrong[what])


def judge(rounds: Iterable[Round], sent: Mapping[str, Sent], observed: Observed) -> Verdict:
    """Hold what arrived against what was published."""
    rounds = list(rounds)
    fates = _fates(rounds, sent, observed.arrivals)
    mirror = {key: row for each in rounds for key, row in each.mirror.items()}
    tables = {
        name: {key: row for each in rounds for key, row in each.tables[name].items()}
        for name in observed.tables
    }
    wrong = {what: [fate.name for fate in fates if is_so(fate)] for what, is_so in FAULTS.items()}
    wrong[NEVER_PUBLISHED] = [a.sns_message_id for a in observed.arrivals if a.sns_message_id not in sent]
    wrong[MIRROR_DIFFERS] = _differences(mirror, observed.mirror)
    wrong[TABLES_DIFFER] = [
        f"{name} {key}" for name, rows in tables.items() for key in _differences(rows, observed.tables[name])
    ]
    # Nothing of this demo may end there: what cannot be read is quarantined in the database.
    wrong[GIVEN_UP_BY_SQS] = ["a message"] * observed.in_dead_letter_queue
    return Verdict(
        published=len(sent),
        must_be_published=sum(len(each.publications) for each in rounds),
        unique=len(fates),
        recorded=sum(bool(fate.arrivals) for fate in fates),
        dead=sum(Ending.DEAD in fate.statuses for fate in fates),
        must_be_dead=sum(fate.must is Ending.DEAD for fate in fates),
        quarantined=sum(Ending.QUARANTINED in fate.statuses for fate in fates),
        must_be_quarantined=sum(fate.must is Ending.QUARANTINED for fate in fates),
        mirror_rows=len(mirror),
        table_rows=sum(map(len, tables.values())),
        wrong={what: tuple(sorted(where)) for what, where in wrong.items()},
    )


def _fates(rounds: Iterable[Round], sent: Mapping[str, Sent], arrivals: Iterable[Arrival]) -> list[Fate]:
    by_name: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        if arrival.sns_message_id in sent:
            by_name.setdefault(sent[arrival.sns_message_id].name, []).append(arrival)
    return [
        Fate(
            name=name,
            must=must,
            reason=each.reasons.get(name, ""),
            arrivals=tuple(by_name.get(name, ())),
        )
        for each in rounds
        for name, must in each.endings.items()
    ]


def _differences(expected: Mapping[RecordKey, object], found: Mapping[RecordKey, object]) -> list[str]:
    """Rows that are missing, too many, or different."""
    return ["/".join(key) for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
