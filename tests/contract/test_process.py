"""The checker as a process of its own: where nothing is installed, and when somebody stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.receiving.factories import eventually

from .messages import opportunity

pytestmark = pytest.mark.any_database

REPOSITORY = Path(__file__).parents[2]
AWAY = """
import runpy, sys

class Away:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"{{name}} is not here", name=name.split(".")[0])

sys.meta_path.insert(0, Away())
runpy.run_module("passport_events.contract", run_name="__main__", alter_sys=True)
"""
DJANGO = {"django", "django_rq", "rq", "redis", "boto3", "botocore"}
RIGHT = json.dumps(opportunity()).encode()
WRONG = json.dumps(opportunity(sequence="5", id="")).encode()
EMPTY = {"PATH": os.defpath}
"""Without variables like PYTHONUNBUFFERED, which few people have."""


def run(*arguments: str, text: bytes = b"", program: str = "", **variables: str) -> tuple[int, str, str]:
    """Exit code and both outputs, without any variable of this process."""
    how = ["-c", program] if program else ["-m", "passport_events.contract"]
    done = subprocess.run(
        [sys.executable, "-W", "error", *how, *arguments],
        input=text,
        env=EMPTY | variables,
        cwd=REPOSITORY,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_neither_django_nor_a_project_is_needed() -> None:
    program = AWAY.format(names=DJANGO)
    assert run("-", text=RIGHT, program=program) == run("-", text=RIGHT)
    assert run("-", text=RIGHT)[0] == 0
    code, said, _ = run("-", text=WRONG, program=program)
    assert (code, "  id must not be empty\n" in said) == (1, True)


def test_without_the_extra_the_reader_still_answers_and_one_line_says_what_is_missing() -> None:
    program = AWAY.format(names=DJANGO | {"pydantic", "pydantic_core"})
    note = (
        "Here is at most one problem of each message: "
        "pip install django-passport-events[contract] lists every problem."
    )
    code, said, complained = run("-", text=WRONG, program=program)
    assert (code, complained) == (1, "")
    assert said.splitlines() == [
        "line 1: raw+cloudevents: refused",
        "  schema: sequence must be 14, 20 and 6 digits with dots between them",
        note,
        "1 checked: 0 well, 1 in trouble",
    ]
    assert run("-", text=RIGHT, program=program)[0] == 0
    assert json.loads(run("--json", "-", text=WRONG, program=program)[1])["notes"] == [note]


def test_nothing_on_standard_input_exits_with_2() -> None:
    assert run("-") == (2, "", "python -m passport_events.contract: There is nothing in -.\n")


def test_a_closed_standard_input_exits_with_2() -> None:
    command = f"{sys.executable} -m passport_events.contract - <&-"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=REPOSITORY, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("lines", "code"), [([RIGHT], 0), ([WRONG], 1), ([RIGHT] * 3_000, 0), ([RIGHT] * 3_000 + [WRONG], 1)]
)
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_who_stops_reading_is_not_complained_to_and_the_exit_code_is_true(
    lines: list[bytes], code: int, flags: list[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "passport_events.contract", *flags, "-"],
        env=EMPTY,
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"\n".join(lines))
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == code


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux says that a process sleeps")
def test_ctrl_c_ends_it_without_a_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "passport_events.contract", "-"],
        env=EMPTY,
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        # More than a pipe holds: when it is taken and nothing moves, the checker waits for more.
        process.stdin.write(b"\n" * 1_000_000)
        process.stdin.flush()
        state = Path(f"/proc/{process.pid}/stat")
        eventually(lambda: state.read_text().rpartition(") ")[2].startswith("S"))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == b""


def test_a_terminal_that_cannot_show_a_name_gets_it_escaped(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"EVENT_TYPES": {"prüfung": {"entities": ["Test"], "queue": "tests"}}}))
    message = json.dumps(opportunity(type="prüfung.created.v1")).encode()
    code, said, _ = run("--settings", str(settings), "-", text=message, PYTHONIOENCODING="ascii")
    assert (code, "  pr\\xfcfung created: Test" in said) == (0, True)


def test_a_huge_line_among_others_is_refused_alone() -> None:
    huge = b'{"specversion": "' + b"x" * 5_000_000 + b'"}'
    code, said, _ = run("-", text=b"\n".join([RIGHT, huge, RIGHT]))
    assert code == 1
    assert "line 2: raw+unknown: refused\n  too_large: 5000019 bytes, 1048576 are allowed\n" in said
    assert said.endswith("3 checked: 2 well, 1 in trouble\n")
