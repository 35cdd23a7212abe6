"""`manage.py passport`: what it says and how it exits."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from passport_events.dispatching.flow_control import FlowControls
from passport_events.management.commands.passport import list_verbs
from passport_events.models import OperatorAction, Status
from passport_events.operating import health
from project.embedded import ValkeyServer
from tests.operating.inbox import HOME, dead, opportunity, organization, store

pytestmark = pytest.mark.django_db


def passport(*arguments: str) -> tuple[int, str]:
    """The exit code and everything it said."""
    said = StringIO()
    code = 0
    try:
        call_command("passport", *arguments, stdout=said, stderr=said)
    except SystemExit as exited:
        code = int(exited.code or 0)
    return code, said.getvalue()


@pytest.mark.parametrize("verb", sorted(list_verbs()))
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        call_command("passport", verb, "--help")
    assert exited.value.code == 0
    assert f"Example: manage.py passport {verb}" in capsys.readouterr().out


def test_health_exits_with_1_on_trouble(redis_server: ValkeyServer) -> None:
    code, said = passport("health", "--json")
    assert code == 1
    report = json.loads(said)
    assert not report["ok"]
    assert {finding["name"] for finding in report["findings"]} >= {"poller", "redis", "event types"}
    assert "FAIL  poller" in passport("health")[1]


def test_a_database_that_is_away_exits_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health, "check_poller", away)
    code, said = passport("health")
    assert (code, "the database cannot be asked" in said) == (2, True)


def test_messages_are_filtered_and_never_show_what_an_event_says() -> None:
    organization()
    first, second = opportunity(1, fields={"Name": "Ada Lovelace"}), opportunity(2)
    store(b"Ada Lovelace")

    code, said = passport("list", "--json", "--record", first.record_id[:15], "--organization", HOME)

    assert code == 0
    assert [json.loads(line)["id"] for line in said.splitlines()] == [first.pk]
    assert str(second.pk) in passport("list", "--status", "waiting", "--event-type", "opportunity")[1]
    assert "Lovelace" not in passport("list")[1]
    assert passport("list", "--status", "dead")[1] == "No such messages.\n"


def test_dead_letters_are_listed_sent_back_put_aside_and_restored() -> None:
    organization()
    message = dead()
    assert str(message.pk) in passport("list", "--failed")[1]

    said = passport("discard", str(message.pk), "--reason", "noise")
    assert said == (0, "discard: 1 discarded\n")
    assert passport("restore", str(message.pk)) == (0, "restore: 1 restored\n")
    assert passport("retry", str(message.pk), "--reason", "x")[0] == 0
    message.refresh_from_db()
    assert message.status == Status.WAITING
    assert list(OperatorAction.objects.values_list("kind", flat=True)) == ["retry", "restore", "discard"]
    assert passport("list", "--failed")[1] == "No failed messages.\n"


def test_a_message_that_is_no_dead_letter_is_left_and_exits_with_1() -> None:
    organization()
    message = opportunity()
    said = passport("retry", str(message.pk), "--reason", "x")
    assert said == (1, "retry: 0 requeued, 1 unchanged\n")


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_changing_messages_needs_a_reason(verb: str) -> None:
    """Case D7."""
    said = (2, f"passport {verb}: --reason is required.\n")
    assert passport(verb, "1") == said
    assert passport(verb, "1", "--reason", " ") == said


def test_release_of_an_organization_that_is_not_known_exits_with_2() -> None:
    opportunity()
    assert passport("reprocess", "--organization", HOME)[0] == 2
    organization()
    assert passport("reprocess", "--organization", HOME) == (0, "reprocess: 1 messages reprocessed\n")


def test_flow_is_paused_resumed_and_throttled() -> None:
    organization()
    pause = ("pause", "--event-type", "item", "--organization", HOME, "--reason", "S3")
    assert passport(*pause) == (0, f"pause: item of {HOME} is paused\n")
    assert passport(*pause) == (0, f"pause: item of {HOME} was already paused\n")
    assert passport("resume", "--event-type", "item")[0] == 1
    assert passport("resume", "--event-type", "item", "--organization", HOME)[0] == 0
    assert passport("rate-limit", "--per-minute", "5")[1].endswith("at most 5 messages a minute\n")
    assert FlowControls.read().rate_limits[0].per_minute == 5
    assert passport("rate-limit", "--remove")[0] == 0
    assert passport("rate-limit", "--remove")[0] == 1


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("list", "--limit", "0")])
def test_wrong_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("passport", *arguments)
