"""`python -m passport_events.contract`: what it says and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from passport_events.contract.__main__ import main
from passport_events.contract.input_files import MAX_INPUT_BYTES
from tests.wire.deliveries import ORGANIZATION, SAMPLES, TOPIC, change_event

from .messages import RECORD, opportunity


class Asked:
    """Runs the checker on a file and keeps what it said."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._directory = directory
        self._capsys = capsys

    def file(self, content: object, name: str = "messages.json") -> str:
        """Write a file: bytes as they are, anything else as JSON."""
        path = self._directory / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and both outputs."""
        code = main(arguments)
        return code, *self._capsys.readouterr()


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Asked:
    return Asked(tmp_path, capsys)


def test_a_right_message_exits_with_0_and_says_what_it_would_become(ask: Asked) -> None:
    code, said, complained = ask(ask.file(opportunity()))
    assert (code, complained) == (0, "")
    assert said == (
        "line 1: raw+cloudevents: 1 event\n"
        f"  opportunity updated: Opportunity {RECORD}\n"
        f"    organization {ORGANIZATION}\n"
        "    version sequence 01778192987000.01778192987716501507.000001, identity cloudevents\n"
        "    fields: stage_name\n"
        "1 checked: 1 well, 0 in trouble\n"
    )


def test_records_to_be_read_again_and_fields_without_a_value_are_named(ask: Asked) -> None:
    update = change_event({}, changeType="UPDATE", changedFields=["Name"])
    gap = change_event({}, changeType="GAP_UPDATE", recordIds=[RECORD, "006SM0000001Tb4YAE"])
    lines = ask.file("\n".join(map(json.dumps, [update, gap])).encode())
    _, said, _ = ask(lines, "--org-id", ORGANIZATION)
    assert "    without a value: Name\n" in said
    assert "line 2: raw+bare-cdc: 2 events\n" in said
    assert said.count(", a gap: the record has to be read again\n") == 2


def test_a_wrong_message_exits_with_1_and_names_every_problem(ask: Asked) -> None:
    code, said, _ = ask(ask.file(b"{}\n" + json.dumps(opportunity(sequence="5", id="")).encode()))
    assert code == 1
    assert said.splitlines() == [
        "line 1: raw+unknown: refused",
        "  unsupported_format: unknown",
        "line 2: raw+cloudevents: refused",
        "  schema: sequence must be 14, 20 and 6 digits with dots between them",
        "  id must not be empty",
        "  sequence must be 14, 20 and 6 digits with dots between them",
        "2 checked: 0 well, 2 in trouble",
    ]


@pytest.mark.parametrize(("message", "code"), [(opportunity(), 0), (opportunity(sequence="5"), 1)])
def test_json_is_one_document(ask: Asked, message: dict[str, Any], code: int) -> None:
    exited, said, _ = ask("--json", ask.file(message))
    document = json.loads(said)
    assert (exited, document["ok"], document["notes"]) == (code, code == 0, [])
    (payload,) = document["payloads"]
    assert payload.keys() == {
        "line",
        "message",
        "format",
        "events",
        "heartbeat_of",
        "refusal",
        "problems",
    }
    rule = "must be 14, 20 and 6 digits with dots between them"
    assert payload["problems"] == [{"path": "sequence", "rule": rule}] * code


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_exits_with_2(ask: Asked, content: bytes) -> None:
    name = ask.file(content)
    assert ask(name) == (2, "", f"python -m passport_events.contract: There is nothing in {name}.\n")
    assert ask("--json", name)[:2] == (2, "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.json", "No such file or directory"), (".", "Is a directory"), ("a\0b", "embedded null byte")],
)
def test_a_file_that_cannot_be_read_exits_with_2(ask: Asked, name: str, reason: str) -> None:
    code, said, complained = ask(name)
    assert (code, said) == (2, "")
    assert complained.endswith(f"cannot be read: {reason}.\n")


def test_a_file_without_an_end_exits_with_2(ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_INPUT_BYTES == 256 * 1024 * 1024
    monkeypatch.setattr("passport_events.contract.input_files.MAX_INPUT_BYTES", 1_000)
    assert ask("/dev/zero")[0] == 2
    assert "more than 1,000 bytes. Split it." in ask("/dev/zero")[2]
    assert ask(ask.file(b"{" * 1_000))[0] == 1


def test_the_settings_of_a_project_decide(ask: Asked) -> None:
    settings = ask.file(
        {
            "EVENT_TYPES": {"case": {"entities": ["Case"], "queue": "cases"}},
            "PLATFORM_EVENTS": {
                "Case Created": {
                    "event_type": "case",
                    "record_id": "Record_Id__c",
                    "sequence": "CreatedDate",
                    "fields": "Payload__c",
                }
            },
        },
        "settings.json",
    )
    name = str(SAMPLES / "14_eventbridge_eventrelay_platform_event_json_string_payload.json")
    organization = ("--org-id", ORGANIZATION, name)
    assert "unknown_event_type" in ask(*organization)[1]
    assert "no_version: detail.payload.CreatedDate is absent" in ask("--settings", settings, *organization)[1]


def test_the_topic_may_name_the_organization(ask: Asked) -> None:
    settings = ask.file({"TOPIC_ORGANIZATIONS": {TOPIC: ORGANIZATION}}, "settings.json")
    code, said, _ = ask("--settings", settings, "--topic-arn", TOPIC, ask.file(change_event()))
    assert (code, f"organization {ORGANIZATION}" in said) == (0, True)


@pytest.mark.parametrize(
    ("settings", "complaints"),
    [
        (
            {"EVENT_TYPE": {}, "RECEIVERS": 0},
            [
                "EVENT_TYPE is not a setting. Did you mean EVENT_TYPES?",
                "RECEIVERS must be a whole number of threads between 1 and 64. See docs/settings.md",
            ],
        ),
        ({"QUEUE_URL": ""}, ["QUEUE_URL is required"]),
        ([], ["The settings must be one JSON object (not_an_object)."]),
        (b"{", ["The settings must be one JSON object (invalid_json: "]),
        (b"", ["The settings must be one JSON object (empty_body)."]),
    ],
)
def test_wrong_settings_exit_with_2_and_every_wrong_key(
    ask: Asked, settings: object, complaints: list[str]
) -> None:
    code, said, complained = ask("--settings", ask.file(settings, "s.json"), ask.file(opportunity()))
    assert (code, said) == (2, "")
    for complaint in complaints:
        assert complaint in complained


def test_help_has_an_example_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--help"])
    said = capsys.readouterr().out
    assert exited.value.code == 0
    assert "Example: python -m passport_events.contract captured.json\n" in said
    assert "Exits 0 when all is well, 1 when" in said


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--nonsense", "a"]])
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
