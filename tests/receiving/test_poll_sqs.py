"""`manage.py poll_sqs`: flags, what it prints, exit codes, and SIGTERM."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from moto.sqs.models import SQSBackend

from passport_events.management.commands.poll_sqs import Command
from passport_events.models import Heartbeat, ProcessedMessage, SalesforceOrganization
from passport_events.processes.errors import describe_error
from project.embedded import LOOPBACK
from tests.harness.aws import Sqs
from tests.receiving.factories import left_in_sqs, opportunity

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _signal_handlers() -> Iterator[None]:
    """The command replaces this process's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def publish(sqs: Sqs, count: int) -> None:
    client = sqs.topic.meta.client
    entries = [{"Id": str(n), "Message": json.dumps(opportunity(n))} for n in range(count)]
    for start in range(0, count, 10):
        batch: Any = entries[start : start + 10]
        client.publish_batch(TopicArn=sqs.topic.arn, PublishBatchRequestEntries=batch)


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command in this process."""
    output, errors = io.StringIO(), io.StringIO()
    try:
        call_command("poll_sqs", *arguments, stdout=output, stderr=errors)
    except SystemExit as exit_:
        return int(exit_.code or 0), output.getvalue(), errors.getvalue()
    return 0, output.getvalue(), errors.getvalue()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("home", "short_timeouts")
@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["--once"], 10),
        (["--once", "--concurrency", "4"], 10),
        (["--until-empty"], 25),
        (["--max-messages", "13"], 13),
        (["--max-messages", "13", "--once"], 10),
        (["--max-messages", "99", "--until-empty"], 25),
    ],
)
def test_it_stops_where_it_is_told_and_says_what_it_did(
    sqs: Sqs, arguments: list[str], received: int, settings: Any
) -> None:
    # Moto hands one message to two receivers that ask at the same moment, as SQS may.
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "RECEIVERS": 1}
    publish(sqs, 25)
    code, output, errors = run(*arguments)
    assert (code, errors) == (0, "")
    assert output.splitlines()[1:] == [f"poll_sqs: received={received} new={received} duplicates=0"]
    assert ProcessedMessage.objects.count() == received
    assert left_in_sqs(sqs) == 25 - received


@pytest.mark.usefixtures("home", "short_timeouts")
@pytest.mark.django_db(transaction=True)
def test_several_receivers_store_each_event_once(sqs: Sqs) -> None:
    publish(sqs, 25)
    code, _, _ = run("--until-empty", "--concurrency", "3")
    assert code == 0
    assert (ProcessedMessage.objects.count(), left_in_sqs(sqs)) == (25, 0)


@pytest.mark.usefixtures("short_timeouts")
@pytest.mark.django_db(transaction=True)
def test_sqs_that_stays_away_is_exit_1_with_the_reason(sqs: Sqs, settings: Any) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "MAX_CONSECUTIVE_ERRORS": 3}
    settings.PASSPORT_EVENTS |= {"ENDPOINT_URL": f"http://{LOOPBACK}:1"}
    code, _, errors = run()
    assert code == 1
    assert errors.startswith(
        "poll_sqs gave up: SQS did not answer a receive: EndpointConnectionError (queue "
    )
    assert f" at {LOOPBACK}:1, " in errors


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("home", "short_timeouts")
def test_a_database_that_refuses_everything_is_exit_1_and_no_value_is_printed(
    sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(deliveries: object) -> None:
        raise IntegrityError("DETAIL: Failing row contains (student@example.edu)")

    monkeypatch.setattr("passport_events.receiving.queries.insert", refuse)
    publish(sqs, 1)
    code, _, errors = run("--once")
    assert (code, errors) == (1, f"poll_sqs gave up: {describe_error(IntegrityError())}\n")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"QUEUE_URL": ""}, "QUEUE_URL"), ({"RECIEVERS": 4}, "RECEIVERS"), ({"REGION": "no region"}, "region")],
)
def test_wrong_settings_are_exit_2_with_the_way_out(
    settings: Any, capsys: pytest.CaptureFixture[str], wrong: dict[str, Any], said: str
) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, **wrong}
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "poll_sqs", "--once"])
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert "poll_sqs cannot start" in errors
    assert said in errors


def test_a_health_file_that_cannot_be_written_is_exit_2() -> None:
    code, _, errors = run("--once", "--health-file", "/no/such/directory/health.json")
    assert code == 2
    assert "there is no directory /no/such/directory" in errors


@pytest.mark.parametrize(
    "wrong", [["--max-messages", "0"], ["--concurrency", "-1"], ["--max-messages", "ten"]]
)
def test_wrong_arguments_are_exit_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "poll_sqs", *wrong])
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_help_has_an_example_and_the_exit_codes() -> None:
    text = Command.help
    assert "Example: manage.py poll_sqs" in text
    assert "Exits 0" in text


@pytest.fixture
def long_poll_began(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as somebody waits for messages of the embedded SQS."""
    began, receive = threading.Event(), SQSBackend.receive_message

    def receive_and_tell(self: SQSBackend, *arguments: Any, **options: Any) -> Any:
        began.set()
        return receive(self, *arguments, **options)

    monkeypatch.setattr(SQSBackend, "receive_message", receive_and_tell)
    return began


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_a_long_poll_awaits_it_and_finishes_its_batch(
    home: SalesforceOrganization,
    sqs: Sqs,
    long_poll_began: threading.Event,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    file = tmp_path / "health.json"
    poller = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "django",
            "poll_sqs",
            "--concurrency=1",
            f"--health-file={file}",
        ],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert long_poll_began.wait(timeout=30)
        assert json.loads(file.read_text())["pid"] == poller.pid
        assert Heartbeat.objects.filter(name__endswith=f":{poller.pid}").exists()
        poller.send_signal(number)
        publish(sqs, 1)
        output, errors = poller.communicate(timeout=30)
    finally:
        poller.kill()
    assert (poller.returncode, errors) == (0, "")
    assert output.splitlines()[1:] == ["poll_sqs: received=1 new=1 duplicates=0"]
    assert ProcessedMessage.objects.get().status == "waiting"
    assert left_in_sqs(sqs) == 0
    assert not file.exists()
    assert not Heartbeat.objects.exists()
