"""What the doctor says of the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from passport_events.conf import Settings
from passport_events.operating.doctor import database
from passport_events.operating.doctor.database import DatabaseFacts

SETTINGS = Settings()
GOOD = DatabaseFacts(
    vendor="postgresql",
    unapplied=0,
    skew=timedelta(0),
    settings={
        "autovacuum": "on",
        "default_transaction_isolation": "read committed",
        "fsync": "on",
        "idle_in_transaction_session_timeout": "0",
        "max_connections": "100",
        "statement_timeout": "0",
        "synchronous_commit": "on",
    },
    connections=20,
    pool=None,
)


def ids(facts: DatabaseFacts) -> list[str]:
    return [finding.id for finding in database.judge(facts, SETTINGS)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "D0"),
        ({"unapplied": 1}, "D1"),
        ({"vendor": "sqlite", "settings": {}}, "D2"),
        ({"pool": 2}, "D3"),
        ({"pool": 3}, "D0"),
        ({"skew": timedelta(seconds=-31)}, "D4"),
        ({"connections": 96}, "D10"),
        ({"connections": 95}, "D0"),
        ({"refusal": "ReadOnlySqlTransaction"}, "D5"),
        ({"denied": ("t",), "refusal": "InsufficientPrivilege"}, "D13"),
    ],
)
def test_each_state_has_its_finding(changes: Mapping[str, object], expected: str) -> None:
    assert ids(dataclasses.replace(GOOD, **changes)) == [expected]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("fsync", "off", "D6"),
        ("synchronous_commit", "off", "D6"),
        ("synchronous_commit", "remote_apply", "D0"),
        ("autovacuum", "off", "D7"),
        ("statement_timeout", "5000", "D8"),
        ("statement_timeout", "30000", "D0"),
        ("idle_in_transaction_session_timeout", "119999", "D9"),
        ("idle_in_transaction_session_timeout", "120000", "D0"),
        ("default_transaction_isolation", "serializable", "D11"),
    ],
)
def test_each_setting_of_the_server_has_its_finding(name: str, value: str, expected: str) -> None:
    assert ids(dataclasses.replace(GOOD, settings={**GOOD.settings, name: value})) == [expected]


@pytest.mark.django_db
def test_a_real_database_is_asked() -> None:
    facts = database.read_facts()

    assert (facts.vendor, facts.unapplied, facts.pool) == (connection.vendor, 0, None)
    if connection.vendor == "postgresql":
        assert set(facts.settings) == set(GOOD.settings)
        assert facts.connections >= 1


@pytest.mark.django_db
def test_a_migration_that_was_not_run_is_found() -> None:
    MigrationRecorder(connection).record_unapplied("passport_events", "0001_initial")

    assert ids(database.read_facts())[0] == "D1"


@pytest.mark.parametrize(
    ("options", "expected"),
    [(None, None), (False, None), (True, 4), ({"max_size": 7}, 7), ({"min_size": 2}, 2)],
)
def test_the_size_of_the_pool_is_what_psycopg_makes_of_the_option(
    options: object, expected: int | None
) -> None:
    assert database.get_pool_size({"OPTIONS": {"pool": options}}) == expected
