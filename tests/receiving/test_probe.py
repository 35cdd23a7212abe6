"""`python -m passport_events.receiving.probe`: what a liveness probe asks."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from passport_events.processes.heartbeat import ProcessHeartbeat, ProcessStatus
from passport_events.receiving.probe import judge, main

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG = 300


def written(directory: Path, status: ProcessStatus) -> Path:
    """The file of a poller, as it writes it."""
    file = directory / "poller.json"
    ProcessHeartbeat(status, file)._write_file(file)
    return file


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (ProcessStatus(ago(900), received_at=ago(20)), (0, "received 20 s ago.")),
        (ProcessStatus(ago(900), received_at=ago(-5)), (0, "received 0 s ago.")),  # the clock was put back
        (ProcessStatus(ago(900), received_at=ago(301)), (1, "no receive was answered and stored for 301 s.")),
        (ProcessStatus(ago(20)), (0, "began 20 s ago.")),  # in its first long poll
        (ProcessStatus(ago(301)), (1, "no receive was answered and stored for 301 s.")),
        # A heartbeat that beats is no sign that anything is received.
        (ProcessStatus(ago(900), ago(1), ago(301)), (1, "no receive was answered and stored for 301 s.")),
    ],
)
def test_a_poller_lives_as_long_as_it_receives(
    tmp_path: Path, status: ProcessStatus, answer: tuple[int, str]
) -> None:
    assert judge(written(tmp_path, status), LONG, NOW) == answer


def test_without_a_file_there_is_no_poller(tmp_path: Path) -> None:
    code, text = judge(tmp_path / "poller.json", LONG, NOW)
    assert (code, "there is no " in text) == (1, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"received_at": "soon"}', '{"received_at": 1}'])
def test_a_file_of_somebody_else_is_no_life(tmp_path: Path, text: str) -> None:
    file = tmp_path / "poller.json"
    file.write_text(text)
    code, said = judge(file, LONG, NOW)
    assert (code, "cannot be read" in said) == (1, True)


def test_it_says_so_and_exits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, ProcessStatus())
    assert main([str(file)]) == 0
    assert main([str(file), "--seconds=-1"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "poller: began 0 s ago."


def test_it_needs_neither_django_nor_settings(tmp_path: Path) -> None:
    code = "import sys; from passport_events.receiving import probe; print('django' in sys.modules)"
    asked = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == "False"
