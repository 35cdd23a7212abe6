"""A contender that loses, doubles or spoils something does not get away with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from benchmarks.throughput import events, outcome
from benchmarks.throughput.contender import Tables
from benchmarks.throughput.contenders import BY_NAME
from benchmarks.throughput.outcome import Connection, Verdict, judge
from benchmarks.throughput.peers.change import read
from benchmarks.throughput.peers.statements import (
    RECORD_EVENT,
    UPSERT_RECORD,
    event_values,
    record_values,
)
from benchmarks.throughput.run import run
from benchmarks.throughput.stack import Stack

pytestmark = pytest.mark.postgresql
WORK = events.make(60)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack


@pytest.fixture
def database(stack: Stack) -> Iterator[Connection]:
    """A peer's tables, with all work done."""
    name = stack.new_database(Tables.PEERS)
    with stack.connect(name) as connection:
        organizations = dict(
            connection.execute("SELECT salesforce_id, id FROM peers_organization").fetchall()
        )
        for change in map(read, WORK.bodies):
            organization = organizations[change.organization]
            connection.execute(RECORD_EVENT, event_values(change, organization))
            connection.execute(UPSERT_RECORD, record_values(change, organization))
        yield connection
    stack.drop_database(name)


@pytest.mark.parametrize(
    ("damage", "verdict"),
    [
        ("SELECT 1", Verdict(0, 0, 0)),
        ("DELETE FROM peers_event WHERE id = (SELECT min(id) FROM peers_event)", Verdict(1, 0, 0)),
        ("UPDATE peers_event SET finished_at = NULL WHERE id % 2 = 0", Verdict(30, 0, 0)),
        (
            "UPDATE peers_record SET applied = applied + 2 WHERE id = (SELECT min(id) FROM peers_record)",
            Verdict(0, 2, 0),
        ),
        (
            "UPDATE peers_record SET fields = '{}' WHERE id = (SELECT min(id) FROM peers_record)",
            Verdict(0, 0, 1),
        ),
    ],
)
def test_what_is_wrong_is_counted(database: Connection, damage: str, verdict: Verdict) -> None:
    database.execute(damage.encode())

    assert judge(database, BY_NAME["floor"], WORK) == verdict


def test_a_record_that_should_not_be_there_is_wrong() -> None:
    assert outcome.differing({"a": {}, "b": {}}, {"a": {}}) == 1
    assert outcome.differing({}, {"a": {}}) == 1
    assert outcome.differing({"a": {"x": 1}}, {"a": {"x": None}}) == 1


@pytest.mark.parametrize("name", ["floor", "passport-handler", "passport-shared"])
def test_a_run_does_all_the_work_and_measures_it(stack: Stack, name: str) -> None:
    result = run(stack, BY_NAME[name], 60, None)

    assert result.verdict == Verdict(0, 0, 0)
    assert (result.polls, result.left) == (6, 0)
    assert result.rate > 0
    assert result.requests_per >= 200
    assert 0 < result.statements_per < result.all_statements_per


def test_statements_and_requests_are_counted_as_they_are_said(stack: Stack) -> None:
    result = run(stack, BY_NAME["floor"], 60, None)
    per_batch = [round(each * 60 / 1_000 / 6) for each in (result.statements_per, result.all_statements_per)]

    assert per_batch == [2, 4]  # an insert and an upsert; BEGIN and COMMIT
    assert round(result.requests_per * 60 / 1_000) >= 12


def test_a_contender_that_ends_by_itself_is_named_with_its_log(stack: Stack) -> None:
    from benchmarks.throughput.processes import ContenderError  # noqa: PLC0415  # only here

    floor = BY_NAME["floor"]
    broken = dataclasses.replace(floor.programs[0], arguments=("-c", "raise SystemExit('no good')"))

    with pytest.raises(ContenderError, match="no good"):
        run(stack, dataclasses.replace(floor, programs=(broken,)), 10, None)
