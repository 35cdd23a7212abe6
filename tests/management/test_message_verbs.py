"""`passport list`, `show` and `groups`, and groups that are named by a prefix."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from passport_events.models import MessageAttempt, ProcessedMessage, Status
from tests.operating.inbox import dead, opportunity, organization, rows, store
from tests.operating.test_passport_command import passport

pytestmark = pytest.mark.django_db
GROUP, OTHER = "0123456789abcdef", "0123456701234567"


def failed(number: int, fingerprint: str = GROUP) -> ProcessedMessage:
    """A dead message with one failed attempt."""
    message = dead(number, fields={"Name": "Lovelace"})
    rows(message).update(fingerprint=fingerprint)
    MessageAttempt.objects.create(
        message=message,
        generation=0,
        number=1,
        outcome="dead",
        error_class="builtins.KeyError",
        error="fee",
        own_frames="school.handlers:on_opportunity",
        fingerprint=fingerprint,
        ended_at=timezone.now(),
    )
    message.refresh_from_db()
    return message


def test_failed_messages_are_dead_or_quarantined() -> None:
    organization()
    message, quarantined = dead(1), store(b"?")
    opportunity(2)
    listed = [json.loads(line) for line in passport("list", "--failed", "--json")[1].splitlines()]
    assert [facts["id"] for facts in listed] == [quarantined.pk, message.pk]
    assert passport("list", "--failed", "--status", "dead")[0] == 2


def test_a_message_is_shown_with_its_error_and_without_its_payload() -> None:
    organization()
    message = failed(1)

    code, said = passport("show", str(message.pk))

    assert code == 0
    assert "builtins.KeyError: fee: at school.handlers:on_opportunity" in said
    assert "Lovelace" not in said
    report = json.loads(passport("show", str(message.pk), "--json")[1])
    assert (report["id"], report["status"], report["group"]) == (message.pk, Status.DEAD, GROUP)
    assert [attempt["error"] for attempt in report["failed_attempts"]] == ["builtins.KeyError"]
    assert passport("show", "99999999")[0] == 2


def test_failure_groups_are_listed_with_counts_and_error() -> None:
    assert passport("groups") == (0, "No failure groups.\n")
    organization()
    failed(1), failed(2)

    assert "2 failed" in passport("groups")[1]
    (facts,) = [json.loads(line) for line in passport("groups", "--json")[1].splitlines()]

    assert (facts["group"], facts["failed"], facts["retrying"]) == (GROUP, 2, 0)
    assert (facts["event_types"], facts["error"]) == (["opportunity"], "builtins.KeyError")


def test_a_prefix_of_eight_characters_names_a_group() -> None:
    organization()
    message = failed(1)
    assert str(message.pk) in passport("list", "--group", GROUP[:9])[1]
    failed(2, OTHER)
    assert passport("list", "--group", GROUP[:8]) == (
        2,
        "passport list: Several groups begin with 01234567.\n",
    )
    assert passport("list", "--group", "99999999")[0] == 2
    assert passport("list", "--group", GROUP[:7]) == (0, "No such messages.\n")
