"""The page of an action."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from passport_events.clock import ClockTimestamp
from passport_events.models import OperatorAction, ProcessedMessage, Progress, Status
from passport_events.operating import runner
from passport_events.operating.audit_log import Actor
from passport_events.operating.operations import RETRY
from passport_events.operating.runner import follow
from passport_events.operating.selection import Selection
from tests.admin.conftest import Login
from tests.admin.urls import listing, page
from tests.operating.inbox import dead, end, organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> OperatorAction:
    """A retry of three messages, of which one was sent back."""
    monkeypatch.setattr(runner, "MAX_STEP_MESSAGES", 1)
    organization()
    for number in range(3):
        dead(number)
    started = runner.start(
        RETRY, Selection(statuses=(Status.DEAD,), event_type="opportunity"), Actor("ann"), "fixed"
    )
    runner.run_due_operations()
    return started


def steering(started: OperatorAction) -> str:
    return reverse("admin:passport_events_operatoraction_steer", args=(started.pk,))


def steer(client: Client, started: OperatorAction, verb: str) -> int:
    status = client.post(steering(started), {"verb": verb}).status_code
    started.refresh_from_db()
    return int(status)


def test_the_page_says_how_far_it_is_and_the_list_too(admin_client: Client, started: OperatorAction) -> None:
    answer = admin_client.get(page(started)).content.decode()
    assert '<progress aria-label="Messages done" value="1" max="3"></progress> 1 of 3 messages' in answer
    assert "data-running" in answer
    listed = admin_client.get(listing(OperatorAction)).content.decode()
    assert "1 of 3" in listed
    assert "running" in listed


def test_a_running_page_keeps_itself_fresh_by_a_script_of_its_own(
    admin_client: Client, started: OperatorAction
) -> None:
    assert "passport_events/refresh.js" in admin_client.get(page(started)).content.decode()
    assert finders.find("passport_events/refresh.js")


def test_an_action_is_paused_resumed_and_cancelled_by_buttons(login: Login, started: OperatorAction) -> None:
    client = login("retry_message")
    seen = []
    for verb in ("pause", "resume", "cancel"):
        assert f'value="{verb}"' in client.get(page(started)).content.decode()
        assert steer(client, started, verb) == 302
        seen.append(started.progress)
    assert seen == [Progress.PAUSED, Progress.RUNNING, Progress.CANCELLED]
    assert started.ended_by == "ann"
    assert 'name="verb"' not in client.get(page(started)).content.decode()


def test_an_action_that_is_over_is_not_steered(admin_client: Client, started: OperatorAction) -> None:
    while started.progress == Progress.RUNNING:
        runner.run_due_operations()
        started.refresh_from_db()
    assert steer(admin_client, started, "cancel") == 302
    assert started.progress == Progress.DONE


def test_who_may_not_start_it_may_not_stop_it(login: Login, started: OperatorAction) -> None:
    client = login("discard_message")
    assert 'name="verb"' not in client.get(page(started)).content.decode()
    assert steer(client, started, "pause") == 403
    assert steer(login("retry_message", name="eve", views=False), started, "pause") == 403
    assert started.progress == Progress.RUNNING


def test_steering_is_by_post_with_a_token_and_a_verb(login: Login, started: OperatorAction) -> None:
    client = login("retry_message")
    assert client.get(steering(started)).status_code == 405
    assert steer(client, started, "explode") == 400
    client.handler.enforce_csrf_checks = True
    assert steer(client, started, "pause") == 403


def test_what_stopped_it_is_said(admin_client: Client, started: OperatorAction) -> None:
    runner.stop_operation(started.pk, "builtins.ValueError")
    answer = admin_client.get(page(started)).content.decode()
    assert "stopped by an error" in answer
    assert "builtins.ValueError" in answer
    assert 'value="resume"' in answer


def test_it_says_what_became_of_its_messages_and_looks_on_while_that_can_change(
    admin_client: Client, started: OperatorAction
) -> None:
    follow(started)
    sent = list(ProcessedMessage.objects.order_by("pk"))
    end(sent[0], Status.SUCCEEDED)
    answer = admin_client.get(page(started)).content.decode()
    assert "Results: <strong>1 finished, 2 waiting</strong>." in answer
    assert "data-running" in answer

    end(sent[1], Status.SUCCEEDED), end(sent[2], Status.DEAD)
    answer = admin_client.get(page(started)).content.decode()
    assert "2 finished, 1 failed" in answer
    assert "data-running" not in answer


def test_an_old_page_does_not_look_on_for_what_waits_for_hours(
    admin_client: Client, started: OperatorAction
) -> None:
    follow(started)
    an_hour_ago = ClockTimestamp() - timedelta(hours=1)
    OperatorAction.objects.update(created_at=an_hour_ago, ended_at=an_hour_ago)
    answer = admin_client.get(page(started)).content.decode()
    assert "3 waiting" in answer
    assert "data-running" not in answer


def test_what_became_costs_the_page_two_queries_at_most(
    admin_client: Client, started: OperatorAction, django_assert_num_queries: Any
) -> None:
    for number in (4, 5):  # session, user, action, what became; and once it is over, whether it is recent
        with django_assert_num_queries(number):
            admin_client.get(page(started))
        follow(started)
