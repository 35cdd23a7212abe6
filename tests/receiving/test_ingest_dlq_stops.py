"""`passport ingest-dlq` in a process of its own: killed between commit and delete, and told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from passport_events.models import Heartbeat, ProcessedMessage, SalesforceOrganization
from tests.harness.aws import Sqs
from tests.receiving.factories import eventually, opportunity, outcomes
from tests.receiving.redriving import dead_letters, give_up

pytestmark = pytest.mark.django_db(transaction=True)

REPOSITORY = Path(__file__).parents[2]
COMMAND = "from django.core.management import call_command as c; c('passport', 'ingest-dlq', '--once')"
# A stop waits for the receive, which waits for messages.
SETUP = """
import django; django.setup()
from django.conf import settings
settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "SQS_WAIT_SECONDS": 1}
"""
DIES_BEFORE_THE_DELETE = """
import os, signal
from passport_events.receiving.sqs import SqsQueue
SqsQueue.delete = lambda self, messages: os.kill(os.getpid(), signal.SIGKILL)
"""


def python(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SETUP + code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_kill_between_commit_and_delete_loses_and_doubles_nothing(
    home: SalesforceOrganization, sqs: Sqs
) -> None:
    give_up(sqs, *(opportunity(number) for number in range(7)), "hello")
    # Of the receive that is cut off. SQS makes its messages visible again when this time ends.
    _set_visibility(sqs, 1)
    killed = python(DIES_BEFORE_THE_DELETE + COMMAND)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    stored = set(ProcessedMessage.objects.values_list("pk", "dedup_key"))
    assert (len(stored), dead_letters(sqs)) == (8, 8)

    _set_visibility(sqs, 30)
    eventually(lambda: int(_attributes(sqs)["ApproximateNumberOfMessages"]) == 8, seconds=60)
    again = python(COMMAND)
    output, errors = again.communicate(timeout=60)

    assert (again.returncode, errors) == (0, "")
    assert output.splitlines()[1:] == ["ingest-dlq: received=8 new=0 duplicates=8 quarantined=0 left=0"]
    assert set(ProcessedMessage.objects.values_list("pk", "dedup_key")) == stored
    assert [status for status, _ in outcomes()] == ["quarantined", *["waiting"] * 7]
    assert dead_letters(sqs) == 0


def _set_visibility(sqs: Sqs, seconds: int) -> None:
    sqs.dead_letter_queue.set_attributes(Attributes={"VisibilityTimeout": str(seconds)})


def _attributes(sqs: Sqs) -> dict[str, str]:
    sqs.dead_letter_queue.reload()
    return {str(name): value for name, value in sqs.dead_letter_queue.attributes.items()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_it_has_received_and_exits_with_0(
    home: SalesforceOrganization, sqs: Sqs, tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "health.json"
    give_up(sqs, opportunity(1))
    endless = COMMAND.replace("'--once'", f"'--health-file', {str(file)!r}")
    process = python(endless)
    try:
        eventually(lambda: ProcessedMessage.objects.exists() and not dead_letters(sqs), seconds=60)
        assert json.loads(file.read_text())["pid"] == process.pid
        assert Heartbeat.objects.get().kind == "ingest-dlq"
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, errors) == (0, "")
    assert output.splitlines()[1:] == ["ingest-dlq: received=1 new=1 duplicates=0 quarantined=0 left=0"]
    assert not file.exists()
    assert not Heartbeat.objects.exists()


HANGS = """
import time
from passport_events.processes import threads
from passport_events.receiving import poller
from passport_events.receiving.sqs import SqsQueue
threads.MAX_STEP_SECONDS = 5
threads.CHECK_SECONDS = 0.1
poller.STOP_SECONDS = 1
SqsQueue.receive = lambda self, limit, wait_seconds: time.sleep(600)
"""


def test_one_that_hangs_ends_itself_with_the_reason(home: SalesforceOrganization, sqs: Sqs) -> None:
    give_up(sqs, opportunity(1))
    process = python(HANGS + COMMAND)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "passport ingest-dlq gave up: receiver-0 hangs: it has been receiving for " in errors
