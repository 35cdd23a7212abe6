"""`manage.py passport publish`: its flags, what it says and how it exits."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.receiving.factories import left_in_sqs

from .running import HOME, Publishing, opportunity

pytestmark = pytest.mark.any_database


def test_one_wrong_line_stops_them_all(publish: Publishing) -> None:
    lines = publish.file(opportunity(1), "nonsense", opportunity(2) | {"sequence": "5", "id": ""})
    rule = "sequence must be 14, 20 and 6 digits with dots between them"
    code, said = publish(lines)
    assert code == 1
    assert said == (
        "line 2: invalid_json: Expecting value at character 0 inside SNS Message\n"
        f"line 3: schema: {rule}\n"
        "line 3: id must not be empty\n"
        f"line 3: {rule}\n"
        "publish: nothing was sent. ready=1 invalid=2 requests=1\n"
        "--skip-invalid sends the lines that are right.\n"
    )
    assert left_in_sqs(publish.sqs) == 0


def test_the_right_lines_go_out_without_the_wrong_ones_if_asked(publish: Publishing) -> None:
    code, said = publish("--skip-invalid", publish.file(opportunity(1), "nonsense", opportunity(2)))
    assert (code, left_in_sqs(publish.sqs)) == (1, 2)
    assert said.endswith("publish: sent=2 failed=0 invalid=1 requests=1 retried=0\n")


@pytest.mark.parametrize(("last", "code"), [(opportunity(12), 0), ("nonsense", 1)])
def test_a_dry_run_sends_nothing(publish: Publishing, last: object, code: int) -> None:
    exited, said = publish("--preview", "--skip-invalid", publish.file(*map(opportunity, range(11)), last))
    assert (exited, left_in_sqs(publish.sqs)) == (code, 0)
    assert f"publish: nothing was sent. ready={12 - code} invalid={code} requests=2\n" in said


def test_json_says_it_to_programs(publish: Publishing) -> None:
    code, said = publish("--json", "--skip-invalid", publish.file(opportunity(1), "nonsense"))
    assert code == 1
    assert json.loads(said) == {
        "sent": 1,
        "failed": [],
        "reason": "",
        "invalid": [
            {
                "line": 2,
                "message": None,
                "refusal": {
                    "reason": "invalid_json",
                    "detail": "Expecting value at character 0 inside SNS Message",
                },
                "problems": [],
            }
        ],
        "requests": 1,
        "retried": 0,
        "ready": 1,
    }
    assert json.loads(publish("--json", "--preview", publish.file(opportunity(1)))[1])["sent"] == 0


def test_no_value_is_shown(publish: Publishing) -> None:
    secret = "Jane Doe"
    wrong = opportunity(1) | {"sequence": secret, "subject": secret, secret: secret}
    lines = publish.file(opportunity(1) | {"id": secret}, wrong, secret, {secret: secret})
    for flags in ([], ["--skip-invalid"], ["--skip-invalid", "--json"], ["--preview", "--json"]):
        assert secret not in publish(*flags, lines)[1]


def test_sns_that_does_not_answer_exits_with_2_and_names_every_line(
    publish: Publishing, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport_events.publishing.publisher.MIN_PAUSE_SECONDS", 0)
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "ENDPOINT_URL": "http://127.0.0.1:1"}
    code, said = publish("--json", publish.file(*map(opportunity, range(11))))
    report = json.loads(said)
    assert (code, report["sent"], report["requests"], report["retried"]) == (2, 0, 6, 50)
    assert report["failed"] == [{"line": n, "code": "EndpointConnectionError"} for n in range(1, 12)]


def test_a_topic_that_is_gone_exits_with_2_at_once(publish: Publishing) -> None:
    publish.sqs.topic.delete()
    code, said = publish(publish.file(opportunity(1)))
    line, reason, counts = said.splitlines()
    assert (code, line) == (2, "line 1: not sent: NotFound")
    assert reason.startswith(f"publish: SNS did not take a request: NotFound ({publish.sqs.topic.arn} at ")
    assert "create the topic" in reason
    assert counts == "publish: sent=0 failed=1 invalid=0 requests=1 retried=0"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Name a FILE (- is standard input) or --generate N messages, one of both."),
        (
            ["a", "--generate", "1"],
            "Name a FILE (- is standard input) or --generate N messages, one of both.",
        ),
        (["missing.jsonl"], "missing.jsonl cannot be read: No such file or directory."),
        (["--generate", "1"], "--generate needs an --organization, like 00D5f000000CabWEAS."),
        (["--generate", "100001", "--organization", HOME], "--generate makes at most 100,000 messages."),
        (
            ["--generate", "1", "--organization", HOME, "--event-type", "course"],
            "--event-type must be one of opportunity, attachment, item.",
        ),
        (["a", "--topic", "arn:aws:sns:us-east-1:123456789012:events.fifo"], "This is a FIFO topic, "),
        (["a", "--topic", "events"], "--topic must be the ARN of an SNS topic, like arn:aws:sns:"),
    ],
)
def test_what_cannot_be_asked_exits_with_2_and_a_way_out(
    publish: Publishing, arguments: list[str], reason: str
) -> None:
    code, said = publish(*arguments)
    assert code == 2
    assert said.startswith(f"passport publish: {reason}")


def test_an_empty_file_exits_with_2(publish: Publishing) -> None:
    name = publish.file("", " ")
    assert publish(name) == (2, f"passport publish: There is nothing in {name}.\n")


@pytest.fixture
def _on_standard_input(publish: Publishing) -> Iterator[None]:
    kept = os.dup(0)
    with Path(publish.file(opportunity(1), opportunity(2))).open("rb") as file:
        os.dup2(file.fileno(), 0)
        yield
    os.dup2(kept, 0)
    os.close(kept)


@pytest.mark.usefixtures("_on_standard_input")
def test_messages_may_come_from_standard_input(publish: Publishing) -> None:
    assert publish("-")[0] == 0
    assert left_in_sqs(publish.sqs) == 2


class Terminal(io.StringIO):
    """Somebody looks."""

    def isatty(self) -> bool:
        """They do."""
        return True


def test_it_counts_on_a_terminal_and_nowhere_else(
    publish: Publishing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = publish.file(*map(opportunity, range(12)))
    publish(lines)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert publish("--json", lines)[0] == 0
    assert terminal.getvalue() == "\r10 of 12 messages\r12 of 12 messages\n"
