"""The demo's processes: restarted when they die, and gone when the demo is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.demo import processes
from project.demo.processes import KeepsDyingError, Supervisor, children_of

NAME = "dispatcher"
COMMAND = ("dispatch_messages",)  # needs neither server nor database to stay alive
SECONDS = 20

LONG_LIVED = f"""
import os, time
from pathlib import Path
from project.demo.processes import Supervisor
supervisor = Supervisor(Path({{directory!r}}), dict(os.environ))
supervisor.run({NAME!r}, *{COMMAND!r})
print(supervisor.alive[{NAME!r}], flush=True)
time.sleep(60)
"""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and PR_SET_PDEATHSIG"),
    pytest.mark.any_database,
]


@pytest.fixture
def environment() -> dict[str, str]:
    """The demo's own settings, not the tests'."""
    return {"PATH": os.defpath, "DJANGO_SETTINGS_MODULE": "project.settings"}


@pytest.fixture
def supervisor(tmp_path: Path, environment: dict[str, str]) -> Iterator[Supervisor]:
    """One that is stopped at the end."""
    with Supervisor(tmp_path, environment) as supervisor:
        yield supervisor


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"not within {SECONDS} s"
        time.sleep(0.05)


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # dead, and only not yet taken note of


def test_what_was_killed_is_started_again(supervisor: Supervisor) -> None:
    supervisor.run(NAME, *COMMAND)
    killed = supervisor.kill(NAME)

    assert _is_gone(killed)
    assert not supervisor.alive

    def is_back() -> bool:
        supervisor.look_after()
        return bool(supervisor.alive)

    _wait_until(is_back)
    assert supervisor.alive[NAME] != killed
    assert supervisor.restarts == 1


def test_what_dies_again_and_again_is_reported(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "FIRST_PAUSE_SECONDS", 0)
    monkeypatch.setattr(processes, "MAX_QUICK_DEATHS", 2)
    supervisor.run(NAME, "no_such_command")

    with pytest.raises(KeepsDyingError, match=str(tmp_path / NAME)):
        _wait_until(lambda: supervisor.look_after() is not None)  # type: ignore[func-returns-value]
    assert "no_such_command" in (tmp_path / NAME / "server.log").read_text()


def test_stop_leaves_nothing(supervisor: Supervisor) -> None:
    supervisor.run(NAME, *COMMAND)
    pid = supervisor.alive[NAME]
    supervisor.stop()

    assert _is_gone(pid)
    assert not supervisor.alive


def test_the_processes_of_a_demo_that_was_killed_die_with_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-c", LONG_LIVED.format(directory=str(tmp_path))],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    assert demo.stdout
    with demo.stdout as output:
        pid = int(output.readline())
    assert not _is_gone(pid)
    assert children_of(demo.pid) == [pid]

    demo.send_signal(signal.SIGKILL)
    demo.wait()

    _wait_until(lambda: _is_gone(pid))
