"""The demo's SQLite backend: a transaction waits for its turn, and not for ever."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

SECONDS = 0.5

pytestmark = pytest.mark.django_db  # nothing of the tests' own database is touched; it only allows to connect


@pytest.fixture
def other(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else, who is writing."""
    connection = sqlite3.connect(tmp_path / "shared.sqlite3", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


@pytest.fixture
def ours(tmp_path: Path, other: sqlite3.Connection) -> Iterator[BaseDatabaseWrapper]:
    """The backend, on the same file."""
    assert other.in_transaction
    handler = ConnectionHandler(
        {
            "default": {
                "ENGINE": "project.sqlite",
                "NAME": str(tmp_path / "shared.sqlite3"),
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": SECONDS},
            }
        }
    )
    yield handler["default"]
    handler.close_all()


def _begin(connection: BaseDatabaseWrapper) -> None:
    """As `transaction.atomic` does it on SQLite."""
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def test_a_transaction_begins_soon_after_the_other_one_ends(
    ours: BaseDatabaseWrapper, other: sqlite3.Connection
) -> None:
    threading.Timer(SECONDS / 5, other.commit).start()
    _begin(ours)

    assert not other.in_transaction
    assert not ours.autocommit


def test_it_waits_as_long_as_the_settings_say(ours: BaseDatabaseWrapper) -> None:
    begun = time.monotonic()
    with pytest.raises(OperationalError, match="locked"):
        _begin(ours)

    assert SECONDS <= time.monotonic() - begun < 3 * SECONDS


def test_single_statements_wait_as_they_always_did(
    ours: BaseDatabaseWrapper, other: sqlite3.Connection
) -> None:
    other.commit()
    _begin(ours)
    with ours.cursor() as cursor:
        waits = cursor.execute("PRAGMA busy_timeout").fetchone()

    assert waits == (SECONDS * 1000,)
