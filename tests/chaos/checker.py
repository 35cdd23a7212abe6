"""What was lost, doubled or stuck, in Jepsen's words. A pure function over frozen inputs.

The publisher's log says what was *acknowledged* and what is *unknown*; the story says how each event
must end; the rest is what was found afterwards, read around all proxies.
"""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from project.demo.oracle import MirrorRow, RecordKey, mirror_row
from tests.chaos.journal import Published
from tests.chaos.story import Ending, Expected, Place

LIVE = frozenset({"waiting", "processing"})
_STUB = MirrorRow({}, is_deleted=False, is_complete=False)


class Violation(enum.StrEnum):
    """What must not happen."""

    LOST = "lost"
    """Acknowledged, and not in the inbox or not ended as it must; or a success without its effect."""
    DUPLICATED = "duplicated"
    """More than one effect, or more than one row, of one event and generation."""
    STUCK = "stuck"
    """Not terminal although nothing moves any more, or left in SQS or its dead-letter queue."""
    UNEXPECTED = "unexpected"
    """A row or an effect that nobody asked for."""
    WRONG_MIRROR = "wrong mirror"
    """A record that is not what its events come to."""
    STALE_COMPLETION = "stale completion"
    """A message that somebody ended although it was not his any more."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A row of the inbox."""

    place: Place | None
    """None where it names no record."""
    name: str
    """The publication whose delivery brought it."""
    status: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} {self.place} {self.status} {self.reason}"


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A row of the ledger."""

    place: Place
    generation: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known after a run."""

    published: Published
    events: Mapping[Place, Expected]
    malformed: Mapping[str, str]
    messages: tuple[MessageRow, ...]
    effects: tuple[EffectRow, ...]
    mirror: Mapping[RecordKey, MirrorRow]
    in_queue: int
    in_dead_letter_queue: int
    stale_completions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The figures, and everything that is wrong."""

    events: int
    """Different ones that arrived; an unreadable delivery counts as one."""
    acknowledged: int
    """Publications."""
    recovered: int
    """Events without an answer that arrived."""
    violations: Mapping[Violation, tuple[str, ...]]

    @property
    def is_right(self) -> bool:
        """Whether nothing at all is wrong."""
        return not any(self.violations.values())

    def count(self, violation: Violation) -> int:
        """How often one thing is wrong."""
        return len(self.violations[violation])


Complaint = tuple[Violation, str]


def judge(evidence: Evidence) -> Verdict:
    """Hold what was found against what was published."""
    rows: dict[Place, list[MessageRow]] = defaultdict(list)
    unreadable: dict[str, list[MessageRow]] = defaultdict(list)
    complaints: list[Complaint] = []
    for row in evidence.messages:
        expected = evidence.events.get(row.place) if row.place else None
        if row.place and expected and expected.name in evidence.published.attempted:
            rows[row.place].append(row)
        elif row.name in evidence.malformed and row.name in evidence.published.attempted:
            unreadable[row.name].append(row)
        else:
            complaints.append((Violation.UNEXPECTED, f"row {row}"))
    complaints += _events(evidence, rows)
    complaints += _malformed(evidence, unreadable)
    complaints += _mirror(evidence, rows)
    complaints += [(Violation.STALE_COMPLETION, text) for text in evidence.stale_completions]
    complaints += [(Violation.STUCK, "a message in SQS")] * evidence.in_queue
    complaints += [(Violation.STUCK, "a message in SQS's dead-letter queue")] * evidence.in_dead_letter_queue
    return Verdict(
        events=len(rows) + len(unreadable),
        acknowledged=len(evidence.published.acknowledged),
        recovered=sum(evidence.events[place].name in evidence.published.unknown for place in rows),
        violations={
            kind: tuple(text for violation, text in complaints if violation is kind) for kind in Violation
        },
    )


def _events(evidence: Evidence, rows: Mapping[Place, list[MessageRow]]) -> Iterator[Complaint]:
    effects: dict[Place, list[EffectRow]] = defaultdict(list)
    for effect in evidence.effects:
        effects[effect.place].append(effect)
        if effect.place not in evidence.events:
            yield Violation.UNEXPECTED, f"effect of {effect.place}"
    for place, expected in evidence.events.items():
        what = f"{expected.name} {place}"
        for violation, why in _fate(expected, rows.get(place, []), effects[place], evidence.published):
            yield violation, f"{what}: {why}"


def _fate(
    expected: Expected, rows: list[MessageRow], effects: list[EffectRow], published: Published
) -> Iterator[Complaint]:
    if not rows:
        if expected.name in published.acknowledged:
            yield Violation.LOST, "acknowledged, and not in the inbox"
        return
    per_generation = Counter(effect.generation for effect in effects)
    most = max(per_generation.values(), default=0)
    if most > 1 or len(rows) > 1:
        yield Violation.DUPLICATED, f"{most} effects, {len(rows)} rows"
    for row in rows:
        if row.status in LIVE:
            yield Violation.STUCK, f"it is {row.status}"
        elif row.status != expected.ending or not row.reason.startswith(expected.reason):
            yield Violation.LOST, f"it is {row.status} ({row.reason}), must be {expected.ending}"
    if expected.has_effect and not effects and {row.status for row in rows} == {Ending.SUCCEEDED}:
        yield Violation.LOST, "a success without effect"
    if effects and not expected.has_effect:
        yield Violation.UNEXPECTED, "an effect, and it must have none"
    if any(effect.value != expected.value for effect in effects if expected.has_effect):
        yield Violation.UNEXPECTED, "an effect of another value"


def _malformed(evidence: Evidence, rows: Mapping[str, list[MessageRow]]) -> Iterator[Complaint]:
    for name, reason in evidence.malformed.items():
        if name in evidence.published.acknowledged and name not in rows:
            yield Violation.LOST, f"{name}: unreadable, and not kept"
        for row in rows.get(name, ()):
            if row.status != Ending.QUARANTINED or not row.reason.startswith(reason):
                yield Violation.LOST, f"{row}: must be quarantined ({reason})"


def _mirror(evidence: Evidence, rows: Mapping[Place, list[MessageRow]]) -> Iterator[Complaint]:
    arrived: dict[RecordKey, list[Expected]] = defaultdict(list)
    for place, expected in evidence.events.items():
        if place in rows or expected.name in evidence.published.acknowledged:
            arrived[place.record].append(expected)
    for key, events in arrived.items():
        merged = [expected.change for expected in events if expected.is_merged]
        # Who dies of its only event leaves a stub, or nothing.
        must = mirror_row(merged) if merged else _STUB
        found = evidence.mirror.get(key, None if merged else _STUB)
        if found != must:
            yield Violation.WRONG_MIRROR, f"{key}: {found}, must be {must}"
    for key in evidence.mirror.keys() - arrived.keys():
        yield Violation.WRONG_MIRROR, f"{key}: no event of it was published"
