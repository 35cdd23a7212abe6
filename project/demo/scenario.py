"""One round of publishing: what is sent, in which order, and how all of it must end. Pure and seeded."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from passport_events.testing import organization_id, record_id
from passport_events.testing.factories import COMMITTED_MS
from project.admissions import faults
from project.demo.history import Change, Kind, history
from project.demo.malformed import malformed
from project.demo.messages import message_of, sent_again
from project.demo.oracle import TABLES, MirrorRow, RecordKey, Row, mirror_row

ORGANIZATIONS = tuple(organization_id(number) for number in range(1, 16))
RECORDS_PER_ROUND = 100_000
"""Rounds never share a record, so that what one expects no other can change."""
MAX_HISTORY_LENGTH = 8


class Ending(enum.StrEnum):
    """How an event must end."""

    SUCCEEDED = "succeeded"
    DEAD = "dead"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Publication:
    """One message for SNS. Two with one name say the same: the later one is a duplicate."""

    name: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many of what. The events that fail and the malformed messages are among the `parse_bare`."""

    events: int
    duplicates: int = 0
    malformed: int = 0
    failing_once: int = 0
    failing_always: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What is published, and what must be there when it is done."""

    publications: tuple[Publication, ...]
    endings: Mapping[str, Ending]
    reasons: Mapping[str, str]
    """The reason under which a quarantined one must stand."""
    mirror: Mapping[RecordKey, MirrorRow]
    tables: Mapping[str, Mapping[RecordKey, Row]]


@dataclass(frozen=True, slots=True)
class _Record:
    organization: str
    entity: str
    record_id: str
    changes: tuple[Change, ...]
    ending: Ending = Ending.SUCCEEDED

    @property
    def key(self) -> RecordKey:
        return (self.organization, self.record_id)


def make_round(number: int, size: Size, seed: int = 0) -> Round:
    """The round of that number; the same arguments always give the same round."""
    rng = Random(f"{seed}/{number}")
    first = number * RECORDS_PER_ROUND
    good = size.events - size.malformed - size.failing_always
    records = _fail_once(rng, list(_records(rng, first, good)), size.failing_once)
    records += [_hopeless(rng, first + RECORDS_PER_ROUND // 2 + n) for n in range(size.failing_always)]

    messages: dict[str, dict[str, Any]] = {}
    endings: dict[str, Ending] = {}
    for record in records:
        for change in record.changes:
            name = f"{number}/{len(messages)}"
            messages[name] = message_of(rng, record.organization, record.entity, record.record_id, change)
            endings[name] = record.ending
    publications = [Publication(name, json.dumps(message)) for name, message in messages.items()]

    reasons: dict[str, str] = {}
    for position in range(size.malformed):
        name = f"{number}/malformed-{position}"
        body, reasons[name] = malformed(rng, rng.choice(ORGANIZATIONS), first + position)
        endings[name] = Ending.QUARANTINED
        publications.append(Publication(name, body))

    rng.shuffle(publications)  # SNS and SQS promise no order
    for name in rng.choices(sorted(messages), k=size.duplicates):
        again = Publication(name, sent_again(rng, messages[name]))
        publications.insert(rng.randrange(len(publications) + 1), again)
    return Round(
        publications=tuple(publications),
        endings=endings,
        reasons=reasons,
        mirror={record.key: mirror_row(record.changes) for record in records},
        tables=_tables(records),
    )


def _records(rng: Random, first: int, events: int) -> Iterator[_Record]:
    """Records whose histories have exactly so many events together."""
    number = first
    while events:
        number += 1
        entity = rng.choice(sorted(TABLES))
        length = min(events, rng.randrange(1, MAX_HISTORY_LENGTH + 1))
        changes = history(rng, entity, COMMITTED_MS, length)
        events -= len(changes)
        yield _Record(rng.choice(ORGANIZATIONS), entity, record_id(entity, number), tuple(changes))


def _fail_once(rng: Random, records: list[_Record], count: int) -> list[_Record]:
    """The same records, `count` of whose changes ask their handler to fail at the first attempt."""
    can_ask = [(r, c) for r, record in enumerate(records) for c, _ in enumerate(record.changes)]
    can_ask = [(r, c) for r, c in can_ask if records[r].changes[c].kind is not Kind.DELETE]
    for r, c in rng.sample(can_ask, count):
        changes = list(records[r].changes)
        changes[c] = _asking(changes[c], faults.ONCE)
        records[r] = dataclasses.replace(records[r], changes=tuple(changes))
    return records


def _hopeless(rng: Random, number: int) -> _Record:
    """A record of its own, so that no other event's success hides that this one never had any."""
    entity = rng.choice(sorted(TABLES))
    (change,) = history(rng, entity, COMMITTED_MS, 1)
    changes = (_asking(change, faults.ALWAYS),)
    return _Record(rng.choice(ORGANIZATIONS), entity, record_id(entity, number), changes, Ending.DEAD)


def _asking(change: Change, wish: str) -> Change:
    return dataclasses.replace(change, fields={**change.fields, faults.FIELD: wish})


def _tables(records: Iterable[_Record]) -> dict[str, dict[RecordKey, Row]]:
    """The monolith's rows: none for deleted records, none where the handler never succeeded."""
    tables: dict[str, dict[RecordKey, Row]] = {entity: {} for entity in TABLES}
    for record in records:
        row = mirror_row(record.changes)
        if record.ending is Ending.SUCCEEDED and not row.is_deleted:
            tables[record.entity][record.key] = TABLES[record.entity](row.fields)
    return tables
