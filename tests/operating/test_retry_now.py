"""Not waiting for the next attempt. Case D4."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from passport_events.dispatching import hints
from passport_events.handling import registry
from passport_events.handling.worker import work
from passport_events.models import MessageAttempt, OperatorAction, ProcessedMessage, Status
from passport_events.operating import flow_operations, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY_NOW
from passport_events.operating.selection import Selection
from project.embedded import ValkeyServer
from tests.operating.inbox import HOME, dead, opportunity, organization, rows
from tests.operating.test_passport_command import passport

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]
QUEUE = "passport-opportunities"


def later(number: int = 1, **columns: Any) -> ProcessedMessage:
    """One that waits for its next attempt, in six hours."""
    message = opportunity(number)
    columns = {"attempts": 3, "fingerprint": "f00", **columns}
    rows(message).update(due_at=timezone.now() + timedelta(hours=6), **columns)
    return message


def retry_now(ann: Actor, selection: Selection, *, everything: bool = False) -> OperatorAction:
    return runner.follow(runner.start(RETRY_NOW, selection, ann, "it is back", everything=everything))


def test_it_is_due_at_once_and_loses_no_attempt(ann: Actor, redis_server: ValkeyServer) -> None:
    organization()
    since = timezone.now() - timedelta(days=2)
    message = later(deferred_since=since, isolated=True, crashes=1)
    hints.get_connection(QUEUE).flushall()

    action = retry_now(ann, Selection(ids=(message.pk,)))

    assert rows(message).due().exists()
    message.refresh_from_db()
    assert (message.attempts, message.deferred_since, message.crashes) == (3, since, 1)
    assert (message.isolated, message.fingerprint, message.last_action) == (True, "f00", action.pk)
    assert (action.kind, action.affected, action.reason) == ("retry_now", 1, "it is back")
    assert hints.get_rq_queue(QUEUE).count == 1


def test_a_worker_takes_it_for_its_next_attempt(ann: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    organization()
    monkeypatch.setattr(registry, "_handlers", {})
    attempts: list[int] = []

    @registry.handles("opportunity")
    def fail_once(event: Any, _record: Any) -> None:
        attempts.append(event.attempt)
        if event.attempt == 1:
            raise TimeoutError

    message = opportunity()
    work(QUEUE)
    assert not rows(message).due().exists()

    retry_now(ann, Selection(event_type="opportunity"))
    work(QUEUE)

    message.refresh_from_db()
    assert (message.status, attempts, MessageAttempt.objects.count()) == (Status.SUCCEEDED, [1, 2], 1)


def test_everything_else_stays_as_it_is(ann: Actor) -> None:
    organization()
    due = opportunity(1)
    held = later(2)
    rows(held).update(status=Status.PROCESSING, lease_token="0" * 32)
    stepped_aside = later(3, attempts=0, fingerprint="")
    put_off = later(4, attempts=0, fingerprint="", deferred_since=timezone.now())
    others = [due, held, stepped_aside, dead(5)]
    before = list(rows(*others).order_by("pk").values())

    assert retry_now(ann, Selection(), everything=True).affected == 1

    assert list(rows(*others).order_by("pk").values()) == before
    assert rows(put_off).due().exists()


def test_what_is_paused_stays_paused(ann: Actor) -> None:
    organization()
    message = later()
    flow_operations.pause("opportunity", None, ann, "their API is down")
    hints.get_connection(QUEUE).flushall()

    retry_now(ann, Selection(ids=(message.pk,)))
    assert hints.get_rq_queue(QUEUE).count == 0
    assert work(QUEUE) == 0

    flow_operations.resume("opportunity", None, ann)
    assert work(QUEUE) == 1


@pytest.mark.usefixtures("small_steps")
def test_many_go_in_steps_and_each_once(ann: Actor) -> None:
    organization()
    messages = [later(number) for number in range(5)]
    action = runner.start(RETRY_NOW, Selection(event_type="opportunity"), ann, "back")
    runner.run_due_operations()
    assert rows(*messages).due().count() == 2
    runner.run_due_operations()
    runner.run_due_operations()
    action.refresh_from_db()
    assert (action.affected, rows(*messages).due().count()) == (5, 5)


def test_the_command_takes_one_a_filter_or_all() -> None:
    organization()
    first, second, third = later(1), later(2), later(3)
    rows(second).update(fingerprint="ba5")
    why = ("--reason", "back")

    assert passport("retry", "--now", str(first.pk), *why) == (0, "retry: 1 due now\n")
    assert passport("retry", "--now", "--group", "ba5", *why) == (0, "retry: 1 due now\n")
    assert passport("retry", "--now", "--all", *why) == (0, "retry: 1 due now\n")
    assert passport("retry", "--now", "--organization", HOME, *why) == (1, "retry: 0 due now\n")
    assert rows(first, second, third).due().count() == 3


def test_a_preview_counts_and_changes_nothing() -> None:
    organization()
    message = later()
    assert passport("retry", "--now", "--all", "--preview") == (
        0,
        "retry: 1 messages match. Nothing was changed.\n",
    )
    assert json.loads(passport("retry", "--all", "--preview", "--json")[1]) == {
        "messages": 0,
        "is_capped": False,
    }
    assert not rows(message).due().exists()
    assert not OperatorAction.objects.exists()


@pytest.mark.parametrize(
    "arguments", [(), ("--now",), ("--now", "--all"), ("1", "--all"), ("1", "--event-type", "item")]
)
def test_without_filter_or_reason_it_is_refused(arguments: tuple[str, ...]) -> None:
    assert passport("retry", *arguments)[0] == 2


def test_dead_letters_are_sent_back_with_all_attempts() -> None:
    organization()
    message = dead()
    assert passport("retry", str(message.pk), "--reason", "fixed") == (0, "retry: 1 requeued\n")
    message.refresh_from_db()
    assert (message.status, message.attempts) == (Status.WAITING, 0)
