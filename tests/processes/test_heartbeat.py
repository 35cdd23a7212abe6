"""The poller's sign of life, in the database and in a file."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from passport_events.clock import ClockTimestamp
from passport_events.models import Heartbeat
from passport_events.processes.heartbeat import ProcessHeartbeat, ProcessStatus

pytestmark = pytest.mark.django_db


def is_recent(time: datetime | None) -> bool:
    return time is not None and abs(datetime.now(UTC) - time) < timedelta(seconds=30)


def test_the_first_beat_makes_a_row_and_the_next_ones_renew_it() -> None:
    status = ProcessStatus()
    heartbeat = ProcessHeartbeat(status, None)
    heartbeat.beat()
    first = Heartbeat.objects.get()
    assert (first.kind, first.received_at, first.committed_at) == ("poller", None, None)
    assert is_recent(first.started_at)
    a_minute_ago = first.beaten_at - timedelta(minutes=1)
    Heartbeat.objects.update(beaten_at=a_minute_ago)

    status.note_receive(committed=True)
    heartbeat.beat()

    renewed = Heartbeat.objects.get()
    assert (renewed.pk, renewed.started_at) == (first.pk, first.started_at)
    assert renewed.beaten_at > a_minute_ago
    assert is_recent(renewed.received_at)
    assert is_recent(renewed.committed_at)


def test_an_empty_receive_is_a_receive_and_no_commit() -> None:
    status = ProcessStatus()
    status.note_receive(committed=False)
    ProcessHeartbeat(status, None).beat()
    beaten = Heartbeat.objects.get()
    assert is_recent(beaten.received_at)
    assert beaten.committed_at is None


def test_a_row_that_somebody_deleted_comes_back() -> None:
    heartbeat = ProcessHeartbeat(ProcessStatus(), None)
    heartbeat.beat()
    Heartbeat.objects.all().delete()
    heartbeat.beat()
    assert Heartbeat.objects.count() == 1


def test_the_next_process_of_a_container_does_not_inherit_the_start_of_the_one_that_died() -> None:
    """Host name and process id are the same there after every restart."""
    died = ProcessHeartbeat(ProcessStatus(), None)
    died.beat()
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    Heartbeat.objects.update(started_at=long_ago, release="the one before")

    ProcessHeartbeat(ProcessStatus(), None).beat()

    beaten = Heartbeat.objects.get()
    assert (is_recent(beaten.started_at), beaten.release) == (True, "")


def test_the_dead_are_shown_for_a_day() -> None:
    for name, hours in (("dead", 23), ("forgotten", 25)):
        Heartbeat.objects.create(
            name=name,
            kind="poller",
            started_at=ClockTimestamp(),
            beaten_at=ClockTimestamp() - timedelta(hours=hours),
        )
    heartbeat = ProcessHeartbeat(ProcessStatus(), None)
    heartbeat.beat()
    assert set(Heartbeat.objects.values_list("name", flat=True)) == {"dead", heartbeat.name}


def state_of(file: Path) -> dict[str, Any]:
    """What the file says, times as such."""
    state = json.loads(file.read_text())
    return {
        name: datetime.fromisoformat(value) if isinstance(value, str) else value
        for name, value in state.items()
    }


def test_the_file_says_who_lives_since_when_and_what_was_last_achieved(tmp_path: Path) -> None:
    file, status = tmp_path / "health.json", ProcessStatus()
    heartbeat = ProcessHeartbeat(status, file)
    heartbeat.beat()
    state = state_of(file)
    assert state.pop("pid") == os.getpid()
    assert is_recent(state.pop("started_at"))
    assert state == {"beaten_at": None, "received_at": None, "committed_at": None}

    status.note_receive(committed=True)
    heartbeat.beat()

    state = state_of(file)
    assert all(is_recent(state[name]) for name in ("beaten_at", "received_at", "committed_at"))
    assert [path.name for path in tmp_path.iterdir()] == ["health.json"]


def test_the_file_says_since_when_the_database_takes_no_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, status = tmp_path / "health.json", ProcessStatus()
    heartbeat = ProcessHeartbeat(status, file)
    heartbeat.beat()
    monkeypatch.setattr("django.db.models.query.QuerySet.update", _away)
    for _ in range(2):
        status.note_receive(committed=False)
        with pytest.raises(OperationalError):
            heartbeat.beat()

    state = state_of(file)
    assert state["beaten_at"] == status.beaten_at
    assert state["beaten_at"] < state["received_at"]


def test_a_clean_end_leaves_neither_row_nor_file(tmp_path: Path) -> None:
    heartbeat = ProcessHeartbeat(ProcessStatus(), tmp_path / "health.json")
    heartbeat.beat()
    heartbeat.stop()
    assert not Heartbeat.objects.exists()
    assert list(tmp_path.iterdir()) == []
    heartbeat.stop()


def test_an_end_while_the_database_is_away_is_clean_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = ProcessHeartbeat(ProcessStatus(), tmp_path / "health.json")
    heartbeat.beat()
    monkeypatch.setattr("django.db.models.query.QuerySet.delete", _away)
    heartbeat.stop()
    assert list(tmp_path.iterdir()) == []


def _away(*arguments: object, **columns: object) -> None:
    raise OperationalError("the database went away")
