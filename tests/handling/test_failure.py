"""A handler that raises: an attempt, a delay, in the end a dead letter."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from passport_events import Discard, Event, Reject, handles
from passport_events.handling.worker import work
from passport_events.models import (
    AttemptOutcome,
    MessageAttempt,
    ProcessedMessage,
    SalesforceRecord,
)
from tests.handling.factories import (
    OPPORTUNITIES,
    a_message,
    an_event,
    an_organization,
    outcome,
    stored,
    the_record,
    work_again,
    write,
    written,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def test_its_writes_are_rolled_back_and_the_merge_stays() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")
        raise ValueError

    message = a_message(an_organization(), fields={"Name": "one"})
    work(OPPORTUNITIES)

    assert outcome(message) == ("waiting", "builtins.ValueError", 1)
    assert written() == []
    assert the_record()["Name"] == "one"
    assert not ProcessedMessage.objects.due().exists()


def test_the_attempt_says_all_but_the_payload(change_settings: Callable[..., None]) -> None:
    change_settings(RELEASE="2026.11")

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        raise LookupError(f"no program for {event.fields['Name']}")

    message = a_message(an_organization(), fields={"Name": "Maria Lopez"})
    work(OPPORTUNITIES)

    attempt = message.failures.get()
    assert (attempt.number, attempt.generation, attempt.outcome) == (1, 0, AttemptOutcome.RETRY)
    assert (attempt.error_class, attempt.error) == ("builtins.LookupError", "no program for [value]")
    assert attempt.release == "2026.11"
    assert attempt.fingerprint == ProcessedMessage.objects.get(pk=message.pk).fingerprint != ""
    assert socket.gethostname() in attempt.worker
    assert "in handler" in attempt.traceback
    assert "Maria" not in str(MessageAttempt.objects.values().get())
    assert attempt.started_at is not None
    assert attempt.started_at <= attempt.ended_at


def test_sixteen_failures_make_a_dead_letter() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        raise ValueError

    message = a_message(an_organization())
    work_again(18)

    assert outcome(message) == ("dead", "retries used up: builtins.ValueError", 16)
    assert list(message.failures.values_list("number", "outcome")) == [
        *((number, "retry") for number in range(1, 16)),
        (16, "dead"),
    ]


def test_the_same_attempts_have_the_same_key_and_count_up() -> None:
    seen = []

    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        seen.append((event.idempotency_key, event.attempt))
        raise ValueError

    message = a_message(an_organization())
    work_again(3)

    assert seen == [(f"{message.dedup_key}:0", attempt) for attempt in (1, 2, 3)]


def test_its_neighbours_are_handled() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        if event.fields["Name"] == "name 2":
            raise ValueError
        write(event.fields["Name"])

    stored(*(an_event(an_organization(number), number) for number in (1, 2, 3)))
    assert work(OPPORTUNITIES) == 3

    assert written() == ["name 1", "name 3"]


def test_reject_is_a_dead_letter_at_once() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        raise Reject("no such program")

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message) == ("dead", "rejected: passport_events.exceptions.Reject", 1)
    assert message.failures.get().error == "no such program"


def test_discard_is_ignored_with_its_reason_and_what_it_wrote_is_undone() -> None:
    @handles("opportunity")
    def handler(event: Event, record: SalesforceRecord) -> None:
        write("effect")
        raise Discard("a test record")

    message = a_message(an_organization())
    work(OPPORTUNITIES)

    assert outcome(message) == ("ignored", "a test record", 1)
    assert (message.failures.count(), written()) == (0, [])
