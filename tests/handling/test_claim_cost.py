"""A claim costs the same however much is waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import connection

from passport_events.dispatching.flow_control import FlowControls
from passport_events.handling.claim import claim_batch, claim_isolated
from passport_events.handling.fairness import select_fairly
from passport_events.handling.locks import RecordLocks
from tests.handling.factories import a_backlog, an_event, an_organization, stored

from .conftest import Statements

pytestmark = pytest.mark.django_db

TYPES = ["opportunity"]
BACKLOG = 20_000


@pytest.mark.parametrize(("organizations", "each"), [(1, 5), (30, 40)])
def test_a_claim_takes_six_statements(
    locks: RecordLocks, statements: Statements, organizations: int, each: int
) -> None:
    for number in range(1, organizations + 1):
        a_backlog(an_organization(number), each)

    with statements:
        claim_batch(TYPES, locks)

    assert len(statements.data) == 6, "\n".join(statements.data)


def test_looking_in_vain_takes_two_statements(locks: RecordLocks, statements: Statements) -> None:
    stored(an_event(an_organization()), due_in=timedelta(hours=1))

    with statements:
        assert claim_batch(TYPES, locks).messages == ()
    assert len(statements.data) == 2
    with statements:
        assert claim_isolated(TYPES, locks).messages == ()
    assert len(statements.data) == 2


@pytest.mark.postgresql
@pytest.mark.parametrize("due_in", [timedelta(hours=-1), timedelta(hours=1)], ids=["due", "not due"])
def test_candidates_read_a_handful_of_index_entries_of_20000(
    locks: RecordLocks, statements: Statements, due_in: timedelta
) -> None:
    """Given 20,000 messages, due or waiting for a retry, candidates never read them all."""
    a_backlog(an_organization(1), BACKLOG, due_in=due_in)
    a_backlog(an_organization(2), 5)
    analyze()

    with statements:
        found = select_fairly(TYPES, FlowControls(), 200)

    assert len(found) == (200 if due_in < timedelta(0) else 5)
    assert len(statements.data) == 2
    for sql in statements.data:
        plan = explain(sql)
        scans = [line for line in plan if "Scan" in line and "passport_events_processedmessage" in line]
        assert scans
        assert all("Index Scan using passport_message_due" in line for line in scans), plan
        assert read(plan) <= 205, plan


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE passport_events_processedmessage")


def explain(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {sql}")
        return [line for (line,) in cursor.fetchall()]


def read(plan: Sequence[str]) -> int:
    """The most rows that any scan of the plan returned or threw away."""
    counts = []
    for line in plan:
        if "Index Scan" in line and "rows=" in line:
            counts.append(float(line.rpartition("rows=")[2].partition(" ")[0]))
        if "Rows Removed by Filter" in line:
            counts.append(float(line.rpartition(":")[2]))
    return int(max(counts))
