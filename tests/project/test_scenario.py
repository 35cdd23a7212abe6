"""What the demo publishes, and what it says must come of it."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from random import Random

import pytest

from passport_events import Event, conf
from passport_events.mirror.merge import Write, merge
from passport_events.mirror.state import RecordState
from passport_events.testing import sns_notification
from passport_events.wire.parser import parse_delivery
from passport_events.wire.raw_delivery import RawDelivery
from project.admissions import faults
from project.demo.history import Change, Kind
from project.demo.oracle import MirrorRow, RecordKey, mirror_row
from project.demo.scenario import ORGANIZATIONS, Ending, Publication, Round, Size, make_round

SIZE = Size(events=300, duplicates=60, malformed=12, failing_once=9, failing_always=5)


@pytest.fixture(scope="module")
def small() -> Round:
    """A round with everything in it."""
    return make_round(1, SIZE)


def _events(publication: Publication) -> tuple[Event, ...]:
    received = RawDelivery(
        message_id="m", receipt_handle="r", body=sns_notification(publication.body, message_id="n").encode()
    )
    return parse_delivery(received, conf.get_settings()).events


def test_a_round_has_the_size_that_was_asked_for(small: Round) -> None:
    copies = Counter(publication.name for publication in small.publications)

    assert len(small.publications) == 360
    assert len(copies) == len(small.endings) == 300
    assert Counter(small.endings.values()) == {
        Ending.SUCCEEDED: 283,
        Ending.QUARANTINED: 12,
        Ending.DEAD: 5,
    }
    assert sum(faults.ONCE in publication.body for publication in small.publications) >= 9


def test_the_same_seed_publishes_the_same_bytes_and_another_one_does_not(small: Round) -> None:
    assert make_round(1, SIZE) == small
    assert make_round(1, SIZE, seed=1).publications != small.publications


def test_rounds_share_no_record_and_no_name(small: Round) -> None:
    other = make_round(2, SIZE)

    assert not small.mirror.keys() & other.mirror.keys()
    assert not small.endings.keys() & other.endings.keys()


def test_events_come_out_of_order(small: Round) -> None:
    numbers = [
        int(publication.name.partition("/")[2])
        for publication in small.publications
        if publication.name not in small.reasons
    ]

    assert sum(later < earlier for earlier, later in itertools.pairwise(numbers)) > 100


def test_only_known_organizations_and_whole_histories_count(small: Round) -> None:
    assert {organization for organization, _ in small.mirror} <= set(ORGANIZATIONS)
    assert any(row.is_deleted for row in small.mirror.values())
    assert not all(row.is_complete or row.is_deleted for row in small.mirror.values())


def test_what_always_fails_is_in_the_mirror_and_in_no_table(small: Round) -> None:
    hopeless = {key for key, row in small.mirror.items() if row.fields.get(faults.FIELD) == faults.ALWAYS}

    assert len(hopeless) == 5
    assert not any(hopeless & rows.keys() for rows in small.tables.values())


def test_the_package_refuses_what_is_malformed_and_reads_the_rest(small: Round) -> None:
    for publication in small.publications:
        is_readable = small.reasons.get(publication.name, "unknown_organization") == "unknown_organization"
        assert bool(_events(publication)) == is_readable, publication


def test_a_duplicate_has_the_identity_of_its_original(small: Round) -> None:
    keys: dict[str, set[str]] = {}
    for publication in small.publications:
        for event in _events(publication):
            keys.setdefault(publication.name, set()).add(event.identity.key)

    assert all(len(found) == 1 for found in keys.values())
    assert len(set.union(*keys.values())) == len(keys)


def test_oracle_and_merge_agree_although_they_share_no_code(small: Round) -> None:
    """The oracle sorts a record's changes; the merge meets them as they come."""
    states: dict[RecordKey, RecordState] = {}
    for publication in small.publications:
        for event in _events(publication):
            key = (event.organization, event.record_id)
            state = states.get(key, RecordState())
            states[key] = merge(state, Write.of_event(event, 1)).state

    merged = {
        key: MirrorRow(
            {name: value for name, value in state.fields.items() if value is not None},
            state.is_deleted,
            state.is_complete,
        )
        for key, state in states.items()
        if key in small.mirror
    }
    assert merged == small.mirror


def test_the_oracle_does_not_mind_the_order() -> None:
    life = [
        Change(kind=Kind.CREATE, at_ms=1, sequence=1, fields={"Name": "a", "Amount": 1}),
        Change(kind=Kind.UPDATE, at_ms=2, sequence=1, fields={"Amount": None}),
        Change(kind=Kind.DELETE, at_ms=3, sequence=1),
        Change(kind=Kind.UNDELETE, at_ms=4, sequence=1, fields={"Name": "b"}),
        Change(kind=Kind.UPDATE, at_ms=4, sequence=2, fields={"Name": "c"}),
    ]
    shuffled = Random(1).sample(life, len(life))

    assert mirror_row(life[:2]) == MirrorRow({"Name": "a"}, is_deleted=False, is_complete=True)
    assert mirror_row(life[:3]) == MirrorRow({}, is_deleted=True, is_complete=False)
    assert mirror_row(shuffled) == MirrorRow({"Name": "c"}, is_deleted=False, is_complete=True)


def test_an_update_leaves_null_for_what_it_does_not_name(small: Round) -> None:
    """As some relays do; a reader that believed those nulls would empty the record."""
    bodies = [json.loads(p.body) for p in small.publications if p.name not in small.reasons]
    updates = [
        body["detail"]["payload"]
        for body in bodies
        if "detail" in body and body["detail"]["payload"]["ChangeEventHeader"]["changeType"] == "UPDATE"
    ]

    assert any(
        value is None and name not in payload["ChangeEventHeader"]["changedFields"]
        for payload in updates
        for name, value in payload.items()
    )
