"""Retry, discard, restore."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from passport_events import instrumentation
from passport_events.dispatching import hints
from passport_events.models import LIVE, OperatorAction, ProcessedMessage, Status
from passport_events.operating import operations, runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY, Operation
from passport_events.operating.selection import Selection
from project.embedded import ValkeyServer
from tests.operating.inbox import dead, end, operate, opportunity, organization, rows, store

pytestmark = pytest.mark.django_db


def test_a_retried_message_waits_with_all_attempts_in_the_same_generation(ann: Actor) -> None:
    organization()
    message = dead()

    assert operate(operations.RETRY, rows(message), ann, "fixed") == 1

    message.refresh_from_db()
    assert (message.status, message.attempts, message.crashes) == (Status.WAITING, 0, 0)
    assert (message.isolated, message.generation, message.finished_at) == (False, 0, None)
    assert rows(message).due().exists()


def test_one_operation_leaves_one_row_in_the_journal(ann: Actor) -> None:
    organization()
    messages = [dead(number) for number in range(3)]

    operate(operations.RETRY, rows(*messages), ann, "fixed in 41")

    action = OperatorAction.objects.get()
    assert (action.kind, action.actor_name, action.reason, action.affected) == (
        "retry",
        "ann",
        "fixed in 41",
        3,
    )
    assert action.message is None


def test_an_operation_on_one_message_is_tied_to_it(ann: Actor) -> None:
    organization()
    message = dead()
    operate(operations.DISCARD, rows(message), ann, "test data")
    assert OperatorAction.objects.get().message == message


def test_the_second_click_changes_nothing_and_leaves_no_row(ann: Actor) -> None:
    organization()
    message = dead()
    assert operate(operations.RETRY, rows(message), ann, "fixed") == 1
    assert operate(operations.RETRY, rows(message), ann, "fixed") == 0
    assert OperatorAction.objects.count() == 1


@pytest.mark.parametrize("operation", [operations.RETRY, operations.DISCARD, operations.RESTORE])
@pytest.mark.parametrize("status", [*LIVE, Status.SUCCEEDED, Status.SUPERSEDED, Status.IGNORED])
def test_no_verb_touches_a_live_message_or_one_that_ended_well(
    ann: Actor, operation: Operation, status: Status
) -> None:
    organization()
    message = opportunity()
    if status == Status.PROCESSING:
        rows(message).update(status=status, lease_token="6f9619ff-8b86-d011-b42d-00cf4fc964ff")
    elif status != Status.WAITING:
        end(message, status)
    before = rows(message).values().get()

    assert operate(operation, rows(message), ann, "no") == 0

    assert rows(message).values().get() == before


def test_a_redacted_dead_letter_is_not_retried(ann: Actor) -> None:
    organization()
    message = dead()
    rows(message).update(content={})
    assert operate(operations.RETRY, rows(message), ann, "fixed") == 0


def test_a_discarded_dead_letter_is_restored_with_its_reason(ann: Actor) -> None:
    organization()
    message = dead()
    operate(operations.DISCARD, rows(message), ann, "not ours")
    message.refresh_from_db()
    assert message.status == Status.DISCARDED

    assert operate(operations.RESTORE, rows(message), ann) == 1

    message.refresh_from_db()
    assert (message.status, message.reason) == (Status.DEAD, "retries used up: builtins.ValueError")


@pytest.mark.parametrize("body", [b"not json", {"unknown": "organization"}])
def test_a_discarded_quarantined_message_is_restored_as_quarantined(ann: Actor, body: object) -> None:
    message = store(body) if isinstance(body, bytes) else opportunity()
    reason = message.reason
    assert message.status == Status.QUARANTINED

    operate(operations.DISCARD, rows(message), ann, "noise")
    operate(operations.RESTORE, rows(message), ann)

    message.refresh_from_db()
    assert (message.status, message.reason) == (Status.QUARANTINED, reason)


def test_a_collision_is_restored_as_quarantined_though_its_event_could_be_read(ann: Actor) -> None:
    organization()
    opportunity(fields={"Name": "Ada"})
    collision = opportunity(fields={"Name": "Grace"})
    assert (collision.status, collision.reason) == (Status.QUARANTINED, "key_collision")

    operate(operations.DISCARD, rows(collision), ann, "fixed")
    operate(operations.RESTORE, rows(collision), ann)

    collision.refresh_from_db()
    assert collision.status == Status.QUARANTINED


def test_workers_are_woken_and_observers_told_after_the_commit(
    ann: Actor, redis_server: ValkeyServer, django_capture_on_commit_callbacks: Any
) -> None:
    organization()
    message = dead()
    heard: list[dict[str, Any]] = []

    def observer(stage: instrumentation.Notification, facts: dict[str, Any]) -> None:
        if stage is instrumentation.Notification.OPERATED:
            heard.append(facts)

    instrumentation.subscribe(observer)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            operate(operations.RETRY, rows(message), ann, "fixed")
            assert not heard
    finally:
        instrumentation.unsubscribe(observer)
    assert [facts["kind"] for facts in heard] == ["start of retry", "end of retry"]
    assert all(facts["actor"] == "ann" and facts["count"] == 1 for facts in heard)
    assert hints.get_rq_queue("passport-opportunities").count == 1


@pytest.mark.django_db(transaction=True)
def test_two_operators_at_once_send_each_message_back_once(redis_server: ValkeyServer) -> None:
    organization()
    messages = [dead(number) for number in range(20)]
    changed: list[int] = []
    start = threading.Barrier(2)

    def retry_all(name: str) -> None:
        start.wait()
        changed.append(operate(operations.RETRY, rows(*messages), Actor(name), "both"))
        connections.close_all()

    operators = [threading.Thread(target=retry_all, args=(name,)) for name in ("ann", "bob")]
    for operator in operators:
        operator.start()
    for operator in operators:
        operator.join()

    assert sum(changed) == 20
    assert sum(OperatorAction.objects.values_list("affected", flat=True)) == 20
    assert set(ProcessedMessage.objects.values_list("status", flat=True)) == {Status.WAITING}


def test_a_reason_of_the_past_is_cleared_when_a_message_is_sent_back(ann: Actor) -> None:
    """Case C13."""
    organization()
    message = dead()
    assert operate(operations.RETRY, rows(message), ann, "fixed") == 1
    assert rows(message).get().reason == ""
    assert runner.follow(runner.start(RETRY, Selection(ids=(dead(2).pk,)), ann, "x")).affected == 1
    assert not ProcessedMessage.objects.exclude(reason="").exists()
