"""What is published, chapter by chapter, and how each part of it must end. Pure and seeded.

A chapter invents records of its own, so that one can be made without the others; what is late is
published in the middle of the next one.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from passport_events.testing import organization_id, record_id, relay_message
from passport_events.testing.factories import COMMITTED_MS
from project.demo.history import FIELDS, Change, Kind, history
from project.demo.malformed import malformed
from project.demo.messages import CONTRACT_TYPES, message_of, seeded_id, sent_again
from project.demo.oracle import RecordKey
from tests.chaos.digest import digest_of
from tests.chaos.wishes import FIELD, Wish

LIVE = tuple(organization_id(number) for number in range(1, 6))
SHADOW = organization_id(6)
ORGANIZATIONS = (*LIVE, SHADOW)
"""Handlers run for the first five; the last one is only mirrored."""
HANDLED = ("Opportunity", "ContentVersion")
"""Entities whose event type has a handler in the ledger. Line items are merged in batches."""

RECORDS_PER_CHAPTER = 10_000
EVENTS_PER_CHAPTER = 500
PUBLICATIONS_PER_CHAPTER = 650
"""About: hot records, duplicates and malformed messages come on top."""
LONGEST_HISTORY = 8
HOT_EVENTS = 30
HOT_RECORDS = 2
CHAPTERS_PER_POISON = 4
TWIN_GROUPS = 4
"""Groups of records that one message changes together."""
DUPLICATE_SHARE = 0.12
LATE_SHARE = 0.05
MALFORMED_SHARE = 0.01
WISH_SHARE = 0.12


class Ending(enum.StrEnum):
    """How an event must end."""

    SUCCEEDED = "succeeded"
    DEAD = "dead"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Publication:
    """One message for SNS. Two with one name say the same."""

    name: str
    body: str


@dataclass(frozen=True, slots=True)
class Place:
    """One event of one record, by what orders it: nothing else in a run has the same."""

    organization: str
    record_id: str
    at_ms: int
    sequence: int

    @property
    def record(self) -> RecordKey:
        """Whose event it is."""
        return (self.organization, self.record_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How one event must end."""

    name: str
    """The publication that brings it."""
    change: Change
    ending: Ending
    reason: str = ""
    """How the reason of its row must begin."""
    has_effect: bool
    is_merged: bool = True

    @property
    def value(self) -> str:
        """What the ledger must say."""
        return digest_of(self.change.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What it publishes at once, what it publishes late, and what must come of it."""

    publications: tuple[Publication, ...]
    late: tuple[Publication, ...]
    events: Mapping[Place, Expected]
    malformed: Mapping[str, str]
    """Name -> the reason under which it must be quarantined."""


@dataclass(frozen=True, slots=True)
class _Record:
    organization: str
    entity: str
    record_id: str
    changes: tuple[Change, ...]


# How often each wish comes, and what it leads to.
_WISHES: tuple[tuple[Wish, tuple[int, ...], int], ...] = (
    (Wish.FAIL, (1, 1, 2, 3), 24),
    (Wish.SLEEP, (5, 20, 50, 200), 24),
    (Wish.PREPARE_FAIL, (1, 2), 8),
    (Wish.PREPARE_SLEEP, (10, 150), 8),
    (Wish.LATER, (0,), 8),
    (Wish.SWALLOW, (0,), 6),
    (Wish.REJECT, (0,), 4),
    (Wish.DISCARD, (0,), 4),
    (Wish.FAIL_ALWAYS, (0,), 4),
    (Wish.DIE, (1,), 1),
)
_ENDINGS = {
    Wish.REJECT: (Ending.DEAD, "rejected"),
    Wish.DISCARD: (Ending.IGNORED, ""),
    Wish.FAIL_ALWAYS: (Ending.DEAD, "retries used up"),
    Wish.DIE_ALWAYS: (Ending.DEAD, "poison"),
}


def make_chapter(number: int, seed: int) -> Chapter:
    """The chapter of that number; the same arguments always give the same chapter."""
    return _make(number, seed, EVENTS_PER_CHAPTER)


@functools.lru_cache(maxsize=2)
def _make(number: int, seed: int, size: int) -> Chapter:
    rng = Random(f"chaos/{seed}/{number}")
    first = number * RECORDS_PER_CHAPTER
    records = [_with_wishes(rng, record) for record in _records(rng, first, size)]
    records += [_with_wishes(rng, _hot(rng, first + 8_000 + n)) for n in range(HOT_RECORDS)]
    if number % CHAPTERS_PER_POISON == 0:
        records.append(_poison(rng, first + 8_900))
    messages: dict[str, dict[str, Any]] = {}
    events: dict[Place, Expected] = {}
    for record in records:
        for change in record.changes:
            name = f"{number}/{len(messages)}"
            messages[name] = message_of(rng, record.organization, record.entity, record.record_id, change)
            events[_place(record, change)] = _expected(name, record, change)
    for group in range(TWIN_GROUPS):
        _twins(rng, first + 9_000 + 10 * group, f"{number}/twins-{group}", messages, events)

    wrong = {f"{number}/malformed-{n}": n for n in range(max(1, round(size * MALFORMED_SHARE)))}
    bodies = {name: malformed(rng, rng.choice(LIVE), first + n) for name, n in wrong.items()}
    publications = [Publication(name, json.dumps(message)) for name, message in messages.items()]
    publications += [Publication(name, body) for name, (body, _) in bodies.items()]
    rng.shuffle(publications)  # SNS and SQS promise no order
    late = rng.sample(publications, round(len(publications) * LATE_SHARE))
    held_back = {publication.name for publication in late}
    at_once = [publication for publication in publications if publication.name not in held_back]
    for name in rng.choices(sorted(messages), k=round(len(messages) * DUPLICATE_SHARE)):
        again = Publication(name, sent_again(rng, messages[name]))
        at_once.insert(rng.randrange(len(at_once) + 1), again)
    return Chapter(
        publications=tuple(at_once),
        late=tuple(late),
        events=events,
        malformed={name: reason for name, (_, reason) in bodies.items()},
    )


def publications(chapters: Iterable[Chapter]) -> Iterator[Publication]:
    """All that is published, in its order: the late ones of a chapter are spread over the next."""
    late: tuple[Publication, ...] = ()
    for chapter in chapters:
        every = max(1, len(chapter.publications) // (len(late) + 1))
        held_back = list(late)
        for position, publication in enumerate(chapter.publications):
            yield publication
            if held_back and position % every == 0:
                yield held_back.pop()
        yield from held_back
        late = chapter.late
    yield from late


def _records(rng: Random, first: int, events: int) -> Iterator[_Record]:
    number = first
    while events > 0:
        number += 1
        entity = rng.choice(sorted(FIELDS))
        changes = history(rng, entity, COMMITTED_MS, rng.randrange(1, LONGEST_HISTORY + 1))
        events -= len(changes)
        yield _Record(rng.choice(ORGANIZATIONS), entity, record_id(entity, number), tuple(changes))


def _hot(rng: Random, number: int) -> _Record:
    """A record that everybody works on: it is created, changed and deleted again and again."""
    entity = rng.choice(sorted(FIELDS))
    changes: list[Change] = []
    while len(changes) < HOT_EVENTS:
        after = changes[-1].at_ms + 1 if changes else COMMITTED_MS
        changes += history(rng, entity, after, LONGEST_HISTORY)
    return _Record(rng.choice(LIVE), entity, record_id(entity, number), tuple(changes))


def _poison(rng: Random, number: int) -> _Record:
    """A record of its own, because nothing is merged of an event that kills whoever handles it."""
    entity = rng.choice(HANDLED)
    change = history(rng, entity, COMMITTED_MS, 1)[0]
    changes = (_wishing(change, Wish.DIE_ALWAYS.value_of()),)
    return _Record(rng.choice(LIVE), entity, record_id(entity, number), changes)


def _with_wishes(rng: Random, record: _Record) -> _Record:
    if record.entity not in HANDLED:
        return record
    changes = []
    for change in record.changes:
        if change.kind is not Kind.DELETE and rng.random() < WISH_SHARE:
            wish, numbers, _ = rng.choices(_WISHES, [weight for _, _, weight in _WISHES])[0]
            changes.append(_wishing(change, wish.value_of(rng.choice(numbers))))
        else:
            changes.append(change)
    return dataclasses.replace(record, changes=tuple(changes))


def _wishing(change: Change, value: str) -> Change:
    return dataclasses.replace(change, fields={**change.fields, FIELD: value})


def _twins(
    rng: Random, first: int, name: str, messages: dict[str, dict[str, Any]], events: dict[Place, Expected]
) -> None:
    """Salesforce makes one message of equal changes to several records: one event for each of them."""
    entity = rng.choice([entity for entity in sorted(FIELDS) if entity not in CONTRACT_TYPES])
    organization = rng.choice(ORGANIZATIONS)
    change = history(rng, entity, COMMITTED_MS, 1)[0]
    ids = [record_id(entity, first + n) for n in range(3)]
    message = relay_message(
        entity,
        ids,
        change.kind,
        change.fields,
        organization=organization,
        at_ms=change.at_ms,
        sequence=change.sequence,
        changed_fields=list(change.fields),
    )
    message["id"] = seeded_id(rng)
    messages[name] = message
    for each in ids:
        record = _Record(organization, entity, each, (change,))
        events[_place(record, change)] = _expected(name, record, change)


def _place(record: _Record, change: Change) -> Place:
    return Place(record.organization, record.record_id, change.at_ms, change.sequence)


def _expected(name: str, record: _Record, change: Change) -> Expected:
    is_handled = record.entity in HANDLED and record.organization in LIVE
    wish = str(change.fields.get(FIELD, "")).partition(" ")[0]
    ending, reason = _ENDINGS.get(Wish(wish), (Ending.SUCCEEDED, "")) if wish else (Ending.SUCCEEDED, "")
    if not is_handled:
        ending, reason = Ending.SUCCEEDED, ""
    return Expected(
        name=name,
        change=change,
        ending=ending,
        reason=reason,
        has_effect=is_handled and ending is Ending.SUCCEEDED,
        is_merged=not (is_handled and wish == Wish.DIE_ALWAYS),
    )
