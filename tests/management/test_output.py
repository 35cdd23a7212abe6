"""Case C14. A command whose output is closed, full or missing ends as other Unix tools do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness.aws import Sqs
from tests.operating.inbox import dead, organization

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.any_database,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full"),
]
REPOSITORY = Path(__file__).parents[2]
COMMANDS = [
    "passport list",
    "passport list --export csv",
    "passport health",
    "passport purge",
    "passport --help",
    "poll_sqs --help",
    "poll_sqs --once",
    "dispatch_messages --once",
    "-m passport_events.receiving.probe /no/such/file",
]
# Starts Django once; each command runs in a child that comes to the interpreter's own end.
DRIVER = """
import io, json, os, runpy, sys, tempfile
import django
django.setup()
from django.conf import settings
from django.core.management import execute_from_command_line
settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "SQS_WAIT_SECONDS": 0}
stream, commands = sys.argv[1], json.loads(sys.argv[2])
import boto3, django_rq, passport_events.management.commands.passport  # once, for all children
children = {}
for command in commands:
    errors = tempfile.TemporaryFile("w+")
    pid = os.fork()
    if pid == 0:
        if stream == "missing":
            os.close(1)
            sys.stdout = sys.__stdout__ = None
        else:
            if stream == "closed":
                reading, writing = os.pipe()
                os.close(reading)
            else:
                writing = os.open("/dev/full", os.O_WRONLY)
            os.dup2(writing, 1)
            sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)
        os.dup2(errors.fileno(), 2)
        errors.close()
        words = command.split()
        if words[0] == "-m":
            sys.argv = words[1:]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            execute_from_command_line(["manage.py", *words])
        sys.exit()
    children[command] = (pid, errors)
results = {}
for command, (pid, errors) in children.items():
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    errors.seek(0)
    results[command] = [status, errors.read()]
print(json.dumps(results))
"""


def results(stream: str, commands: list[str]) -> dict[str, Any]:
    """Exit code and standard error of each command."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore::ResourceWarning",
            "-c",
            DRIVER,
            stream,
            json.dumps(commands),
        ],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def _inbox(sqs: Sqs) -> None:
    organization()
    dead(1)


@pytest.mark.usefixtures("_inbox")
def test_a_reader_that_left_ends_it_quietly_with_the_code_of_sigpipe() -> None:
    assert results("closed", COMMANDS) == {command: [141, ""] for command in COMMANDS}


@pytest.mark.usefixtures("_inbox")
def test_a_full_disk_is_one_sentence_and_exit_2() -> None:
    found = results("full", COMMANDS)
    sentence = "standard output cannot be written: No space left on device.\n"
    assert {command: code for command, (code, _) in found.items()} == dict.fromkeys(COMMANDS, 2)
    for command, (_, errors) in found.items():
        assert errors.count("\n") == 1, (command, errors)
        assert errors.endswith(sentence)


@pytest.mark.usefixtures("_inbox")
def test_without_standard_output_the_work_is_done_in_silence() -> None:
    works = ["passport list", "passport purge", "poll_sqs --once", "dispatch_messages --once"]
    assert results("missing", works) == {command: [0, ""] for command in works}


def test_the_contract_checker_still_judges_every_payload_for_a_reader_that_left(tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text("[]\n" * 1_000)
    command = f"-m passport_events.contract {file}"
    assert results("closed", [command]) == {command: [1, ""]}
    code, errors = results("full", [command])[command]
    assert (code, errors.count("\n")) == (2, 1)
